import { limits } from '../domain/limits.ts';
import type { DigestBacklog } from '../metrics.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const statement = loadStatement('measure-digests');

/** Counts the digests of a shard by how they stand, and what somebody has to look at. Faults as `Shard.runPatiently` */
export async function measureDigests(shard: Shard): Promise<DigestBacklog> {
  const rows = await shard.runPatiently<DigestBacklog>(statement, [limits.digestLateSeconds]);
  return rows[0]!;
}
