import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { parseName } from '../domain/names.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createCallBatcher, splitByCall } from './call-batcher.ts';
import type { QueueEngine } from './engine.ts';
import type { ItemLeaseInput } from './parse-leases.ts';
import { parseLeases } from './parse-leases.ts';
import { queueConsumers } from './roles.ts';

const ackItems = loadStatement('ack-items');
const findAckedItems = loadStatement('find-acked-items');

export interface AckInput {
  readonly namespace: string;
  readonly leases: readonly ItemLeaseInput[];
}

interface Entry {
  readonly id: string;
  readonly token: string;
  readonly namespace: string;
  readonly actor: string;
}

/** An entry under which an item ended. */
interface Row {
  readonly n: number;
  /** Of a lease that an earlier version granted. */
  readonly ticket: string | null;
  readonly topic_id: number;
}

/**
 * Ends items, each under its fencing token: Calls of a moment go together in one statement. An ack that is sent again is answered as the first time.
 * @returns a function that answers true for each lease under which the item ended, false where it was lost. It throws
 * Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createAck(
  engine: QueueEngine,
  observe?: (calls: number, milliseconds: number) => void,
): (actor: Actor | undefined, input: AckInput) => Promise<readonly boolean[]> {
  const commit = createCallBatcher<readonly Entry[], readonly boolean[]>({
    run: (calls) => commitCalls(engine, calls),
    sizeOf: (call) => call.length,
    observe,
  });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueConsumers);
    return commit(parseLeases(input.leases).map((lease) => ({ ...lease, namespace, actor: actor.subject })));
  };
}

async function commitCalls(engine: QueueEngine, calls: readonly (readonly Entry[])[]): Promise<(readonly boolean[])[]> {
  const { shard, topics, announcer, traffic } = engine;
  const entries = calls.flat();
  const rows = await shard.run<Row>(ackItems, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.token),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.actor),
  ]);
  const acked = new Array<boolean>(entries.length).fill(false);
  for (const row of rows) {
    acked[row.n - 1] = true;
    crashPoint('ack_after_commit');
    if (row.ticket !== null) announcer.acknowledge(row.ticket);
  }
  if (acked.includes(true)) announcer.eventsWritten();
  const byTopic = Map.groupBy(rows, (row) => row.topic_id);
  const known = await topics.byIds([...byTopic.keys()]);
  for (const [topicId, ended] of byTopic) traffic.count(known.get(topicId)!, 'acked', ended.length);
  await recognizeRepeated(engine, entries, acked);
  return splitByCall(calls, acked);
}

/** Of those that were refused, the ones that this very token ended before. */
async function recognizeRepeated({ shard }: QueueEngine, entries: readonly Entry[], acked: boolean[]): Promise<void> {
  const refused = acked.flatMap((done, index) => (done ? [] : [index]));
  if (refused.length === 0) return;
  const rows = await shard.run<{ n: number }>(findAckedItems, [
    refused.map((index) => entries[index]!.id),
    refused.map((index) => entries[index]!.token),
    refused.map((index) => entries[index]!.namespace),
  ]);
  for (const row of rows) acked[refused[row.n - 1]!] = true;
}
