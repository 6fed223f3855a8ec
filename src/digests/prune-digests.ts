import { idFloor } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const pruneRequests = loadStatement('prune-requests');
const pruneDigests = loadStatement('prune-digests');

/**
 * Removes requests that ended so many days ago, and digests that hold none any more with their mails, a step of each.
 * Providers and customers stay. @returns whether there may be more
 */
export async function pruneEndedRequests(shard: Shard, days: number, now = Date.now()): Promise<boolean> {
  const values = [idFloor(now - days * 86_400_000), days, limits.requestsPerPruning];
  const requests = await shard.run(pruneRequests, values);
  const digests = await shard.run(pruneDigests, values);
  return Math.max(requests.length, digests.length) === limits.requestsPerPruning;
}
