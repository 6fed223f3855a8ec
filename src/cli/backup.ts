import { mkdir, readdir } from 'node:fs/promises';
import type { Command } from 'commander';
import { dumpShard } from '../backup/dump-shard.ts';
import { loadShard } from '../backup/load-shard.ts';
import type { Manifest, ShardBackup } from '../backup/manifest.ts';
import { BackupError, manifestFormat, readManifest, writeManifest } from '../backup/manifest.ts';
import { restoreRouting, saveRouting } from '../backup/routing.ts';
import type { Config } from '../config.ts';
import { Fault } from '../domain/errors.ts';
import { connectNats, NatsUnavailable } from '../jetstream/connection.ts';
import { RoutingTable } from '../jetstream/routing-table.ts';
import { createLogger } from '../log.ts';
import { Shard } from '../postgres/shard.ts';
import { fail, requireConfig } from './surroundings.ts';

export function addBackup(program: Command): void {
  program
    .command('backup')
    .argument('<folder>', 'a new folder')
    .description('write every row of every shard into a folder, while work goes on; without the bytes of documents')
    .action((folder: string) =>
      saying(async () => {
        const config = requireConfig();
        const routing = await readRouting(config);
        if (routing === null)
          process.stderr.write(
            'NATS cannot be reached: the routing table of regions and shards is not in this backup\n',
          );
        const backups = await backUp(config.databaseUrls, folder, routing);
        const rows = backups.flatMap(({ tables }) => tables).reduce((sum, table) => sum + table.rows, 0);
        process.stdout.write(
          `${rows} rows of ${backups.length} ${backups.length === 1 ? 'shard' : 'shards'} in ${folder}\n`,
        );
      }),
    );
}

export function addRestore(program: Command): void {
  program
    .command('restore')
    .argument('<folder>', 'what `caseload backup` wrote')
    .description('put the rows of a backup into empty databases, as many as it has shards, and its routing into NATS')
    .option('--routing', 'the routing table alone')
    .action((folder: string, { routing }: { routing?: boolean }) =>
      saying(async () => {
        const config = requireConfig();
        if (routing !== true) {
          const rows = await restore(config.databaseUrls, folder);
          process.stdout.write(`${rows} rows are back; caseload provision, then start the programs\n`);
        }
        await putRoutingBack(config, (await readManifest(folder)).routing ?? []);
      }),
    );
}

/**
 * Writes all shards into a folder, one after the other; each as it was at one moment.
 * @throws BackupError when the folder has something in it
 */
export async function backUp(
  databaseUrls: readonly string[],
  folder: string,
  routing?: Manifest['routing'],
): Promise<readonly ShardBackup[]> {
  const startedAt = new Date().toISOString();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw new BackupError(`${folder} is not empty`);
  const shards: ShardBackup[] = [];
  for (const [number, url] of databaseUrls.entries())
    shards.push(await onShard(number, url, (shard) => dumpShard(shard, folder)));
  await writeManifest(folder, { format: manifestFormat, startedAt, shards, ...(routing !== undefined && { routing }) });
  return shards;
}

/**
 * Puts a backup into empty databases. A shard that is done stays when a later one fails.
 * @returns how many rows there are
 * @throws BackupError
 */
export async function restore(databaseUrls: readonly string[], folder: string): Promise<number> {
  const { shards } = await readManifest(folder);
  if (shards.length !== databaseUrls.length)
    throw new BackupError(`the backup has ${shards.length} shards, and DATABASE_URLS names ${databaseUrls.length}`);
  let rows = 0;
  for (const [number, url] of databaseUrls.entries())
    rows += await onShard(number, url, (shard) => loadShard(shard, shards[number]!, folder));
  return rows;
}

/** What the manifest says of the routing table: null when NATS is away, which keeps nobody from a backup of the rows. */
async function readRouting(config: Config): Promise<Manifest['routing']> {
  if (config.databaseUrls.length === 1) return undefined;
  try {
    return await onRoutingTable(config, saveRouting);
  } catch (error) {
    if (error instanceof NatsUnavailable) return null;
    throw error;
  }
}

async function putRoutingBack(config: Config, changes: NonNullable<Manifest['routing']>): Promise<void> {
  if (changes.length === 0) return;
  try {
    const keys = await onRoutingTable(config, (table) => restoreRouting(table, changes));
    process.stdout.write(`${keys} entries of the routing table are back\n`);
  } catch (error) {
    if (!(error instanceof NatsUnavailable)) throw error;
    throw new BackupError('the routing table is not back, because NATS cannot be reached: restore --routing later');
  }
}

/** @throws NatsUnavailable */
async function onRoutingTable<Result>(config: Config, work: (table: RoutingTable) => Promise<Result>): Promise<Result> {
  const log = createLogger('backup', 'fatal');
  const link = await connectNats({
    url: config.natsUrl,
    credentialsFile: config.natsCredentialsFile,
    name: 'caseload backup',
    log,
  });
  const table = await new RoutingTable({ link, replicas: config.streamReplicas, log }).open();
  try {
    return await work(table);
  } finally {
    table.close();
    await link.close();
  }
}

async function onShard<Result>(number: number, url: string, work: (shard: Shard) => Promise<Result>): Promise<Result> {
  const shard = await Shard.open({ number, url, connections: 2, log: createLogger('backup', 'warn'), patient: true });
  try {
    return await work(shard);
  } finally {
    await shard.close();
  }
}

async function saying(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BackupError || error instanceof Fault) fail(error.message);
    throw error;
  }
}
