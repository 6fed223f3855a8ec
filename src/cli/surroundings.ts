import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { ConfigError, readConfig } from '../config.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Where `caseload up` keeps everything: data, secrets, the addresses of what runs. */
export function ownFolder(): string {
  return process.env.CASELOAD_HOME ?? join(project, '.caseload');
}

/** The settings of a running, or earlier, `caseload up` as an environment: what other commands talk to by default. */
export function developmentFile(): string {
  return join(ownFolder(), 'development.json');
}

/** The environment of this process over what `caseload up` noted down, where it did. */
export function readSurroundings(): Readonly<Record<string, string | undefined>> {
  const file = developmentFile();
  if (process.env.NODE_ENV === 'production' || !existsSync(file)) return process.env;
  const noted = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  return { ...noted, ...process.env };
}

/** The configuration for a command; with a fault in it the command says so and ends with 2. */
export function requireConfig(): Config {
  try {
    return readConfig(readSurroundings());
  } catch (error) {
    if (error instanceof ConfigError) fail(`${error.message}\nRun npm start first, or set these variables.`, 2);
    throw error;
  }
}

/** Ends the command with a message for the person at the keyboard. */
export function fail(message: string, exitCode = 1): never {
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}
