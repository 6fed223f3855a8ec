import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { announceReady } from '../queue/announcements.ts';
import { createCallBatcher, splitByCall } from './call-batcher.ts';
import type { QueueEngine } from './engine.ts';
import { parseMetadata } from './parse-item.ts';
import type { ItemLeaseInput } from './parse-leases.ts';
import { parseLeases } from './parse-leases.ts';
import { queueConsumers } from './roles.ts';

const nackItems = loadStatement('nack-items');

export interface NackLeaseInput extends ItemLeaseInput {
  readonly delaySeconds?: number | null;
  readonly metadata?: unknown;
  readonly reason?: string | null;
}

export interface NackInput {
  readonly namespace: string;
  readonly leases: readonly NackLeaseInput[];
}

export type NackedItem =
  /** Of several shards, that of this item could not be asked. */
  | { readonly kind: 'refused'; readonly fault: Fault }
  | { readonly kind: 'returned'; readonly deliverAfter: Date }
  | { readonly kind: 'dead'; readonly deadLetterTopic: string }
  | { readonly kind: 'lost' };

interface Entry {
  readonly id: string;
  readonly token: string;
  readonly namespace: string;
  readonly actor: string;
  readonly delaySeconds: number | null;
  readonly metadata: string | null;
  readonly reason: string | null;
}

interface Row {
  readonly n: number;
  readonly outcome: 'returned' | 'dead' | 'refused';
  /** Of a lease that an earlier version granted. */
  readonly ticket: string | null;
  readonly topic_id: number;
  readonly state: 'ready' | 'delayed';
  readonly priority: number;
  readonly deliver_after: string;
}

/**
 * Gives items back, each under its fencing token: with a delay, with new metadata, or to the dead-letter topic when its
 * attempts are used up.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createNack(
  engine: QueueEngine,
): (actor: Actor | undefined, input: NackInput) => Promise<readonly NackedItem[]> {
  const commit = createCallBatcher<readonly Entry[], readonly NackedItem[]>({
    run: (calls) => commitCalls(engine, calls),
    sizeOf: (call) => call.length,
  });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueConsumers);
    const leases = parseLeases(input.leases);
    const entries = leases.map((lease, index) => ({
      ...lease,
      namespace,
      actor: actor.subject,
      ...parseNack(`input.leases.${index}`, input.leases[index]!),
    }));
    return commit(entries);
  };
}

function parseNack(
  field: string,
  { delaySeconds, metadata, reason }: NackLeaseInput,
): Pick<Entry, 'delaySeconds' | 'metadata' | 'reason'> {
  return {
    delaySeconds:
      delaySeconds == null ? null : parseWhole(`${field}.delaySeconds`, delaySeconds, 0, limits.queueDelaySeconds),
    metadata: parseMetadata(`${field}.metadata`, metadata),
    reason:
      reason == null || reason.trim() === ''
        ? null
        : parseText(`${field}.reason`, reason, { charactersMax: limits.reasonCharacters, lines: true }),
  };
}

async function commitCalls(
  engine: QueueEngine,
  calls: readonly (readonly Entry[])[],
): Promise<(readonly NackedItem[])[]> {
  const entries = calls.flat();
  const rows = await engine.shard.run<Row>(nackItems, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.token),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.actor),
    entries.map((entry) => entry.delaySeconds),
    entries.map((entry) => entry.metadata),
    entries.map((entry) => entry.reason),
  ]);
  const answers = new Array<NackedItem>(entries.length).fill({ kind: 'lost' });
  const changed = rows.filter((row) => row.outcome !== 'refused');
  if (changed.length > 0) {
    crashPoint('nack_after_commit');
    await engine.topics.byIds(changed.map((row) => row.topic_id));
    announce(engine, entries, changed);
  }
  for (const row of changed) {
    answers[row.n - 1] =
      row.outcome === 'dead'
        ? { kind: 'dead', deadLetterTopic: engine.topics.byId(row.topic_id)!.name }
        : { kind: 'returned', deliverAfter: toDate(row.deliver_after) };
  }
  return splitByCall(calls, answers);
}

function announce({ topics, announcer, traffic }: QueueEngine, entries: readonly Entry[], rows: readonly Row[]): void {
  for (const row of rows) traffic.count(topics.byId(row.topic_id)!, 'nacked', 1);
  const ready = rows
    .filter((row) => row.state === 'ready')
    .map((row) => ({
      topic: topics.byId(row.topic_id)!,
      key: { priority: row.priority, deliverAfter: row.deliver_after, id: entries[row.n - 1]!.id },
    }));
  announceReady(announcer, ready);
  for (const row of rows) if (row.ticket !== null) announcer.acknowledge(row.ticket);
  // One that is delayed calls when its time has come.
  if (ready.length > 0)
    announcer.issueTickets(ready.map(({ topic, key }) => ({ topic, itemId: key.id, priority: key.priority })));
  announcer.eventsWritten();
}
