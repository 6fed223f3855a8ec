import { measureDigests } from '../digests/measure-digests.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { ShardBacklog } from '../metrics.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { Repeating } from './repeating.ts';

const measureTopics = loadStatement('measure-topics');
const measureEvents = loadStatement('measure-events');

const pauseMilliseconds = 15_000;
/** Counting a large backlog takes at most a fiftieth of the time. */
const shareOfTime = 50;

interface TopicRow {
  readonly system: string;
  readonly namespace: string;
  readonly topic: string;
  readonly waiting: number;
  readonly leased: number;
  readonly delayed: number;
  readonly dead: number;
  readonly oldest_seconds: number;
  readonly topics: number;
}

/** Counts the items of a shard for the metrics, now and then. Any number may run; they all say the same. */
export function createBacklogMeter(shard: Shard, log: Logger, tell: (backlog: ShardBacklog) => void): Repeating {
  return new Repeating(`backlog meter of shard ${shard.number}`, log, async () => {
    const startedAt = performance.now();
    tell(await measureBacklog(shard));
    return Math.max(pauseMilliseconds, (performance.now() - startedAt) * shareOfTime);
  });
}

/** @throws Fault as `Shard.runPatiently` does */
export async function measureBacklog(shard: Shard): Promise<ShardBacklog> {
  const rows = await shard.runPatiently<TopicRow>(measureTopics, [limits.topicsMeasured]);
  const events = await shard.runPatiently<{ behind_seconds: number }>(measureEvents, []);
  return {
    digests: await measureDigests(shard),
    topics: rows.map(({ topics: _all, oldest_seconds: oldestSeconds, ...counts }) => ({ ...counts, oldestSeconds })),
    topicsLeftOut: (rows[0]?.topics ?? 0) - rows.length,
    eventSeconds: events[0]?.behind_seconds ?? 0,
    measuredAt: new Date(),
  };
}
