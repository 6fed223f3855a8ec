import type { Foundation } from './compose.ts';
import { EventRelay } from './events/event-relay.ts';
import type { Service } from './lifecycle.ts';
import { runProgram } from './program.ts';
import { createDueItemPromoter } from './scheduler/promote-due.ts';
import { createPruner } from './scheduler/prune.ts';
import { TicketReconciler } from './scheduler/reconcile-tickets.ts';
import { createLeaseSweeper } from './scheduler/return-expired.ts';

/** What keeps the engine healthy. Any number of schedulers may run; each step is safe to do twice. */
export function createSchedulerServices(foundation: Foundation): readonly Service[] {
  const { shard, topics, announcer, ledger, bus, blobs, log, metrics } = foundation;
  const reconciler = new TicketReconciler(shard, topics, ledger, log);
  const relay = new EventRelay(shard, bus, log);
  metrics.gauge(
    'caseload_tickets_reconciled_issued',
    'Missing tickets issued by this process since its start',
    () => reconciler.counts.issued,
  );
  metrics.gauge(
    'caseload_tickets_reconciled_removed',
    'Surplus tickets removed by this process since its start',
    () => reconciler.counts.removed,
  );
  metrics.gauge('caseload_events_relayed', 'Events published by this process since its start', () => relay.relayed);
  metrics.gauge(
    'caseload_event_relay_lag_seconds',
    'Age of the last event when it was published',
    () => relay.lagMilliseconds / 1_000,
  );
  return [
    createLeaseSweeper(shard, topics, announcer, log, (returned) => metrics.leasesExpired.inc(returned)),
    createDueItemPromoter(shard, topics, announcer, log),
    reconciler.createService(),
    relay,
    createPruner(shard, blobs, foundation.config.casesKeptDays, log),
  ];
}

if (import.meta.main) await runProgram('scheduler', createSchedulerServices);
