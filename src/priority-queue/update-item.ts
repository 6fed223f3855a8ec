import type { Actor, Role } from '../domain/actor.ts';
import { hasAnyRole, mayEnter } from '../domain/actor.ts';
import { badInput, Fault, forbidden, notFound } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { QueueItem } from '../domain/queue-item.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { QueueEngine } from './engine.ts';
import type { ReadItem } from './find-item.ts';
import { parseMetadata } from './parse-item.ts';

const updateItem = loadStatement('update-queue-item');

/** Who may change items that wait. */
export const itemChangers: readonly Role[] = ['producer', 'supervisor', 'operator'];

export interface UpdateItemInput {
  readonly itemId: string;
  readonly priority?: number | null;
  readonly deliverAfter?: Date | null;
  readonly metadata?: unknown;
}

export type UpdateItemResult =
  | { readonly kind: 'updated'; readonly item: QueueItem }
  /** Somebody holds it: nothing was changed. */
  | { readonly kind: 'leased'; readonly item: QueueItem };

interface Row {
  readonly outcome: 'updated' | 'leased';
  readonly topic_id: number;
  readonly state: 'ready' | 'delayed' | 'leased';
  readonly priority: number;
  readonly deliver_after: string;
}

/**
 * Changes the place or the metadata of an item that waits; the next pick goes by it.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createUpdateItem(
  { shard, topics, announcer }: QueueEngine,
  readItem: ReadItem,
): (actor: Actor | undefined, input: UpdateItemInput) => Promise<UpdateItemResult> {
  return async (actor, input) => {
    const id = parseId('input.itemId', input.itemId);
    if (actor === undefined) throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
    if (!hasAnyRole(actor, itemChangers)) throw forbidden(`One of these roles is needed: ${itemChangers.join(', ')}`);
    const deliverAfter = input.deliverAfter ?? null;
    if (deliverAfter !== null && deliverAfter.getTime() > Date.now() + limits.queueDelaySeconds * 1_000) {
      throw badInput('input.deliverAfter', `must be within ${limits.queueDelaySeconds} seconds from now`);
    }
    const metadata = parseMetadata('input.metadata', input.metadata);
    if (input.priority == null && deliverAfter === null && metadata === null) {
      throw badInput('input', 'must have a priority, a deliverAfter or metadata');
    }
    const before = await readItem(id);
    if (before === null || !mayEnter(actor, before.namespace)) throw notFound('Item');
    const rows = await shard.run<Row>(updateItem, [
      id,
      before.namespace,
      input.priority ?? null,
      deliverAfter?.toISOString() ?? null,
      metadata,
      actor.subject,
    ]);
    const row = rows[0];
    if (row === undefined) throw notFound('Item'); // it has left the queue
    if (row.outcome === 'updated') {
      await topics.byIds([row.topic_id]);
      const topic = topics.byId(row.topic_id)!;
      if (row.state === 'ready') {
        announcer.itemBecameReady(topic, { priority: row.priority, deliverAfter: row.deliver_after, id });
        // One that was ready has had its call; whoever answered that while this statement held the row passed it over.
        announcer.issueTickets([{ topic, itemId: id, priority: row.priority }]);
      }
      announcer.eventsWritten();
    }
    return { kind: row.outcome, item: (await readItem(id)) ?? before };
  };
}
