import type { Config } from '../config.ts';
import { pruneEndedRequests } from '../digests/prune-digests.ts';
import type { BlobStore } from '../documents/blob-store.ts';
import { pruneAbandonedBlobs } from '../documents/prune-blobs.ts';
import { pruneDecidedCases, pruneUnattachedDocuments } from '../documents/stored-documents.ts';
import { idFloor } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { pruneFinishedJobs } from '../tasks/prune-jobs.ts';
import { Repeating } from './repeating.ts';

const pruneMails = loadStatement('prune-mails');
const pruneKeys = loadStatement('prune-idempotency-keys');
const rowsPerStep = 1_000;
const idleMilliseconds = 60_000;

/**
 * Removes what has had its time: idempotency keys, documents that were never registered, bytes that no row names,
 * and, where a time is set, decided cases, finished jobs, requests that have ended and mails that were sent. Any number may run.
 */
export function createPruner(
  shard: Shard,
  blobs: BlobStore,
  kept: Pick<Config, 'casesKeptDays' | 'jobsKeptDays' | 'requestsKeptDays' | 'mail'>,
  log: Logger,
): Repeating {
  return new Repeating(`pruner of shard ${shard.number}`, log, async () => {
    const keys = await shard.run(pruneKeys, [limits.idempotencySeconds, rowsPerStep]);
    const documents = await pruneUnattachedDocuments(shard, blobs, log);
    const { casesKeptDays, jobsKeptDays, requestsKeptDays } = kept;
    const mailsKeptDays = kept.mail.keptDays;
    const abandoned = await pruneAbandonedBlobs(shard, blobs, log);
    const cases = casesKeptDays === undefined ? 0 : await pruneDecidedCases(shard, blobs, casesKeptDays, log);
    const jobs = jobsKeptDays === undefined ? 0 : await pruneFinishedJobs(shard, jobsKeptDays, Date.now(), log);
    const mails = mailsKeptDays === undefined ? 0 : await pruneSettledMails(shard, mailsKeptDays);
    const hasRequests = requestsKeptDays === undefined ? false : await pruneEndedRequests(shard, requestsKeptDays);
    const isFull = keys.length === rowsPerStep || mails === rowsPerStep || hasRequests;
    const isBehind = isFull || documents > 0 || abandoned > 0 || cases > 0 || jobs > 0;
    return isBehind ? 100 : idleMilliseconds;
  });
}

/** Removes mails that were sent or refused so many days ago. @returns how many were removed */
export async function pruneSettledMails(shard: Shard, days: number): Promise<number> {
  const floor = idFloor(Date.now() - days * 86_400_000);
  return (await shard.run(pruneMails, [floor, days, rowsPerStep])).length;
}
