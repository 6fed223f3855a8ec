import type { FreeInterval, Interval, StuckRule } from '../checks/check-stuck.ts';
import { findLongestWait } from '../checks/check-stuck.ts';
import type { Findings } from '../findings.ts';
import type { ItemTrail } from './item-trails.ts';
import type { QueueHistory } from './queue-history.ts';
import type { QueueLedger, ShardLedger } from './queue-ledger.ts';

/** The longest delay with which the consumers of a run give items back: until then one is not free. */
export const nackDelaySecondsMax = 1;
/** Pauses between two requests of a consumer that count as waiting all the same. */
const pauseMsMax = 500;
const nobody: ReadonlySet<string> = new Set();

/**
 * An item that nobody holds must not lie there while a consumer waits and gets nothing. Counted from the end of its
 * lease, not from when somebody noticed it.
 */
export function checkStuckItems(
  history: QueueHistory,
  ledger: QueueLedger,
  trails: ReadonlyMap<string, ItemTrail>,
  rule: StuckRule,
  findings: Findings,
): void {
  const waits = findWaits(history);
  const shards = new Map(ledger.map((shard) => [shard.shard, shard]));
  for (const trail of trails.values()) {
    for (const free of findFree(trail, shards.get(trail.shard)!)) {
      if (free.toMs - free.fromMs <= rule.freeMsMax) continue;
      const worst = findLongestWait(free, waits, history.disturbances, rule);
      if (worst !== undefined) {
        const waited = Math.round(worst.toMs - worst.fromMs);
        findings.add('stuck', trail.itemId, `was free for ${waited} ms while ${worst.client} waited for an item`);
      }
    }
  }
}

/** Stretches in which a consumer asked for items again and again and got none. */
function findWaits({ dequeues }: QueueHistory): ReadonlyMap<string, readonly Interval[]> {
  const waits = new Map<string, Interval[]>();
  for (const [client, requests] of Map.groupBy(dequeues, (told) => told.client)) {
    const stretches: { fromMs: number; toMs: number }[] = [];
    let open: { fromMs: number; toMs: number } | undefined;
    for (const { outcome, startedMs, endedMs, deliveries } of requests.toSorted((a, b) => a.startedMs - b.startedMs)) {
      // A request that broke waited at a gateway that was not there.
      if (outcome !== 'ok') {
        open = undefined;
        continue;
      }
      if (open !== undefined && startedMs - open.toMs <= pauseMsMax) open.toMs = endedMs;
      else {
        open = { fromMs: startedMs, toMs: endedMs };
        stretches.push(open);
      }
      if (deliveries.length > 0) open = undefined;
    }
    waits.set(client, stretches);
  }
  return waits;
}

function findFree(trail: ItemTrail, { readAtMicros, aheadMs }: ShardLedger): FreeInterval[] {
  const toMs = (micros: number): number => micros / 1_000 - aheadMs;
  const free: FreeInterval[] = [];
  let freeFrom = trail.enqueued?.atMicros;
  for (const span of trail.spans) {
    if (freeFrom !== undefined && freeFrom < span.fromMicros)
      free.push({ fromMs: toMs(freeFrom), toMs: toMs(span.fromMicros), excluded: nobody });
    const delayMicros = span.endedBy === 'nack' ? nackDelaySecondsMax * 1_000_000 : 0;
    freeFrom = span.endedBy === 'ack' ? undefined : span.untilMicros + delayMicros;
  }
  if (freeFrom !== undefined && trail.end === undefined && freeFrom < readAtMicros)
    free.push({ fromMs: toMs(freeFrom), toMs: toMs(readAtMicros), excluded: nobody });
  return free;
}
