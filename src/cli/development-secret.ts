import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownFolder } from './surroundings.ts';

/**
 * The secret that signs tokens in development: made once, kept in the project's own folder, readable by its owner only.
 * It stays the same over restarts, so that tokens that were copied somewhere go on working.
 */
export function ensureDevelopmentSecret(): string {
  const file = join(ownFolder(), 'auth-secret');
  if (!existsSync(file)) {
    mkdirSync(ownFolder(), { recursive: true, mode: 0o711 });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
    try {
      linkSync(draft, file); // of two commands at once one wins, and both read the same
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft);
    }
  }
  return readFileSync(file, 'utf8').trim();
}
