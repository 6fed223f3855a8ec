import type { Foundation } from './compose.ts';
import { EventRelay } from './events/event-relay.ts';
import type { Service } from './lifecycle.ts';
import { createQueueHousekeeping } from './priority-queue/housekeeping.ts';
import { runProgram } from './program.ts';
import { createBacklogMeter } from './scheduler/measure-backlog.ts';
import { createDueItemPromoter } from './scheduler/promote-due.ts';
import { createPruner } from './scheduler/prune.ts';
import { TicketReconciler } from './scheduler/reconcile-tickets.ts';
import { createLeaseSweeper } from './scheduler/return-expired.ts';
import { createScheduleMender } from './tasks/schedules/mend-service.ts';

/** What keeps the engine healthy. Any number of schedulers may run; each step is safe to do twice. */
export function createSchedulerServices(foundation: Foundation): readonly Service[] {
  const { engines, bus, blobs, log, metrics } = foundation;
  const parts = engines.map((engine) => ({
    ...engine,
    reconciler: new TicketReconciler(engine.shard, engine.topics, engine.ledger, log),
    relay: new EventRelay(engine.shard, bus, log),
  }));
  const sum = (read: (part: (typeof parts)[number]) => number) => () =>
    parts.reduce((total, part) => total + read(part), 0);
  metrics.counter(
    'caseload_tickets_issued_again_total',
    'Missing tickets that the reconciler issued',
    sum(({ reconciler }) => reconciler.counts.issued),
  );
  metrics.counter(
    'caseload_tickets_removed_total',
    'Surplus tickets that the reconciler removed',
    sum(({ reconciler }) => reconciler.counts.removed),
  );
  metrics.counter(
    'caseload_events_relayed_total',
    'Events published',
    sum(({ relay }) => relay.relayed),
  );
  metrics.gauge(
    'caseload_event_relay_lag_seconds',
    'Age of the last event when it was published; of several shards, the oldest',
    () => Math.max(...parts.map(({ relay }) => relay.lagMilliseconds)) / 1_000,
  );
  return parts.flatMap(({ shard, topics, announcer, reconciler, relay }) => [
    createLeaseSweeper(shard, topics, announcer, log, (returned) => metrics.leasesExpired.inc(returned)),
    createDueItemPromoter(shard, topics, announcer, log),
    ...createQueueHousekeeping(shard, announcer, foundation.config.queueHistoryDays, log),
    reconciler.createService(),
    relay,
    createPruner(shard, blobs, foundation.config, log),
    createScheduleMender(shard.number, foundation.planners.get(shard.number)!, log),
    createBacklogMeter(shard, log, (backlog) => metrics.setBacklog(shard.number, backlog)),
  ]);
}

if (import.meta.main) await runProgram('scheduler', createSchedulerServices);
