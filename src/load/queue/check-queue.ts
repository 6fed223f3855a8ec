import type { StuckRule } from '../checks/check-stuck.ts';
import { Findings } from '../findings.ts';
import { checkQueueAnswers } from './check-queue-answers.ts';
import { checkStuckItems } from './check-stuck-items.ts';
import type { ItemTrail } from './item-trails.ts';
import { readItemTrails } from './item-trails.ts';
import type { QueueHistory } from './queue-history.ts';
import type { QueueLedger } from './queue-ledger.ts';

/**
 * Judges a run of the priority queue over all its shards: from what producers and consumers were told and from the
 * append-only ledgers. An unknown outcome counts as one that may have happened. Pure: no I/O, no clock.
 */
export function checkQueue(history: QueueHistory, ledger: QueueLedger, rule: StuckRule): Findings {
  const findings = new Findings();
  const trails = new Map<string, ItemTrail>();
  for (const shard of ledger) {
    for (const trail of readItemTrails(shard, findings)) {
      if (trails.has(trail.itemId))
        findings.add('record contradicts itself', trail.itemId, `is on shard ${shard.shard} and on another one`);
      trails.set(trail.itemId, trail);
    }
  }
  checkOpenItems(ledger, trails, findings);
  checkQueueAnswers(history, ledger, trails, findings);
  checkStuckItems(history, ledger, trails, rule, findings);
  return findings;
}

/** The table of open items must tell the same as the ledger: a row for each item that has not left. */
function checkOpenItems(ledger: QueueLedger, trails: ReadonlyMap<string, ItemTrail>, findings: Findings): void {
  const open = new Map(ledger.flatMap((shard) => shard.items).map((item) => [item.itemId, item]));
  for (const { itemId, state, attempt } of open.values()) {
    const trail = trails.get(itemId);
    const contradict = (detail: string): void => findings.add('record contradicts itself', itemId, detail);
    if (trail === undefined) contradict(`is ${state} without a single event`);
    else if (trail.end !== undefined) contradict(`is ${state} after ${trail.end.type}`);
    else if (attempt !== (trail.spans.at(-1)?.attempt ?? 0)) contradict(`its events and its row count other attempts`);
  }
  for (const { itemId, end } of trails.values())
    if (end === undefined && !open.has(itemId)) findings.add('lost', itemId, 'never left the queue and is not there');
}
