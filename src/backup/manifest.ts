import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouteChange } from '../shards/routing.ts';

/** What a backup says of itself. It is written last: without it a folder is no backup. */
export interface Manifest {
  readonly format: typeof manifestFormat;
  /** When the first shard was begun, by the clock of the machine that made it. */
  readonly startedAt: string;
  readonly shards: readonly ShardBackup[];
  /** The changes of the routing table, oldest first; null when NATS could not be asked, absent with one shard alone. */
  readonly routing?: readonly RouteChange[] | null;
}

export interface ShardBackup {
  readonly shard: number;
  /** The migrations that had been applied, in order. */
  readonly migrations: readonly string[];
  /** The moment, by the database's clock, that all of this shard's tables show. */
  readonly snapshotAt: string;
  readonly tables: readonly TableBackup[];
}

export interface TableBackup {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Of the lines, before they were compressed. */
  readonly sha256: string;
}

export const manifestFormat = 'caseload-backup-1';
const fileName = 'manifest.json';

/** Something is wrong with a backup, or with the place where it is to go; the message says what. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Where a table's rows lie: `shard-0/events.jsonl.gz`. */
export function tableFile(folder: string, shard: number, table: string): string {
  return join(folder, `shard-${shard}`, `${table}.jsonl.gz`);
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const temporary = join(folder, `${fileName}.part`);
  await writeFile(temporary, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(temporary, join(folder, fileName));
}

/** @throws BackupError when the folder holds no whole backup */
export async function readManifest(folder: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(folder, fileName), 'utf8');
  } catch (error) {
    throw new BackupError(`${folder} is no backup, or one that was not finished: it has no ${fileName}`, {
      cause: error,
    });
  }
  const manifest = JSON.parse(text) as Manifest;
  if (manifest.format !== manifestFormat) throw new BackupError(`${folder} is of a form that is not known here`);
  return manifest;
}
