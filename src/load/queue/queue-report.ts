import { renderFindings, renderKills, renderPairs, renderTable } from '../report.ts';
import type { VictimKind } from '../saboteur.ts';
import { summarizeDurations } from '../statistics.ts';
import type { QueueHistory } from './queue-history.ts';
import type { QueueLoadResult } from './run-queue-load.ts';

const headKinds = ['lost', 'held by two at once', 'acted without a live lease', 'stuck'] as const;

/** Whether everything was worked off and the checker found nothing. */
export function isQueueClean({ gaveUp, findings }: QueueLoadResult): boolean {
  return gaveUp === undefined && findings.total === 0;
}

/** What a run of the queue ends with: the counts, the times, the kills, and each thing that must not be. */
export function renderQueueReport(result: QueueLoadResult, kills: ReadonlyMap<VictimKind, number> | undefined): string {
  const { plan, findings, history, ledger, seconds, gaveUp } = result;
  const others = findings.total - headKinds.reduce((sum, kind) => sum + findings.count(kind), 0);
  const ends = (type: string): number =>
    ledger.reduce((sum, { events }) => sum + events.filter((event) => event.type === type).length, 0);
  const lines = [
    `namespace ${plan.namespace}, ${plan.producers} producers, ${plan.consumers} consumers, ${ledger.length} shards, seed ${plan.seed}`,
    '',
    ...renderPairs([
      ['enqueued', String(ends('ENQUEUED'))],
      ['delivered', String(ends('CLAIMED'))],
      ['acknowledged', String(ends('ACKED'))],
      ['given back', String(ends('NACKED'))],
      ['leases that ended by the clock', String(ends('LEASE_EXPIRED'))],
      ...headKinds.map((kind): [string, string] => [kind, String(findings.count(kind))]),
      ['other contradictions', String(others)],
      ['batches on two shards, as one died', String(findings.countExcused('key had two effects'))],
      ['calls without an answer', String(countUnknown(history))],
    ]),
    ...renderKills(kills),
    '',
    ...renderTimes(history),
    '',
    `${seconds.toFixed(1)} s, ${Math.round(ends('ACKED') / Math.max(seconds, 0.001))} items/s`,
  ];
  if (gaveUp !== undefined) lines.push('', `not finished: ${gaveUp}`);
  if (findings.total > 0) lines.push('', ...renderFindings(findings, 'item'));
  return `${lines.join('\n')}\n`;
}

function countUnknown({ enqueues, dequeues, acts }: QueueHistory): number {
  return [...enqueues, ...dequeues, ...acts].filter(({ outcome }) => outcome === 'unknown').length;
}

function renderTimes({ enqueues, dequeues, acts }: QueueHistory): string[] {
  const calls = [
    ['enqueue (its repetitions included)', enqueues],
    ['dequeue (its waiting included)', dequeues],
    ['ack', acts.filter(({ verb }) => verb === 'ack')],
    ['nack', acts.filter(({ verb }) => verb === 'nack')],
  ] as const;
  const rows = calls.flatMap(([name, told]) => {
    const durations = told.filter(({ outcome }) => outcome === 'ok').map((one) => one.endedMs - one.startedMs);
    if (durations.length === 0) return [];
    const { requests, p50Ms, p99Ms } = summarizeDurations(durations);
    return [[name, String(requests), p50Ms.toFixed(1), p99Ms.toFixed(1)]];
  });
  return renderTable(['client call', 'answers', 'p50 ms', 'p99 ms'], rows);
}
