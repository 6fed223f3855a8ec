import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { transact } from '../postgres/transact.ts';
import type { BlobStore } from './blob-store.ts';

const rowsPerPrune = 20;

/**
 * Removes blobs that were begun a day ago or earlier and that no row names: what a process leaves that dies between the
 * store and the record. Only blobs that were noted down in this record are looked at, so a store that others use, too,
 * is safe.
 * @returns how many notes were dealt with
 */
export async function pruneAbandonedBlobs(shard: Shard, blobs: BlobStore, log: Logger): Promise<number> {
  return transact(shard, async (client) => {
    const { rows } = await client.query<{ key: string; is_named: boolean }>(
      `select a.key, exists (select from documents d where d.id = a.owner_id and d.blob_key = a.key)
                     or exists (select from case_exports e where e.case_id = a.owner_id and e.blob_key = a.key) as is_named
         from blob_attempts a
        where a.started_at < clock_timestamp() - make_interval(secs => $1)
        order by a.started_at limit $2 for update of a skip locked`,
      [limits.abandonedBlobSeconds, rowsPerPrune],
    );
    const abandoned = rows.filter((row) => !row.is_named);
    // The bytes first: a crash leaves a note to try again with.
    for (const { key } of abandoned) await blobs.delete(key);
    await client.query('delete from blob_attempts where key = any ($1::text[])', [rows.map((row) => row.key)]);
    if (abandoned.length > 0) log.info({ blobs: abandoned.length }, 'blobs that nothing names removed');
    return rows.length;
  });
}
