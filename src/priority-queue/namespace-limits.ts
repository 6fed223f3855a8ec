import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { forbidden } from '../domain/errors.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { QueueLimits } from '../domain/queue-item.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { describeChange, parseTopicReason } from './pause-topic.ts';
import { queueReaders } from './roles.ts';

const saveLimits = loadStatement('save-namespace-limits');
const readLimits = loadStatement('read-namespace-limits');
const int32Max = 2_147_483_647;

/** What is left out or null is not limited. */
export interface NamespaceLimitsInput {
  readonly namespace: string;
  readonly maxDepth?: number | null;
  readonly maxInFlight?: number | null;
  readonly enqueuesPerSecond?: number | null;
  /** Why; for the audit trail. */
  readonly reason?: string | null;
}

/**
 * Sets what a tenant may do in the priority queue, all its topics together. Only operators of all namespaces may: nobody
 * lifts their own limits.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createSetNamespaceLimits(
  shard: Shard,
): (actor: Actor | undefined, input: NamespaceLimitsInput) => Promise<QueueLimits> {
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['operator']);
    if (actor.namespace !== '*') throw forbidden('Limits are set by an operator of all namespaces');
    const take = (field: 'maxDepth' | 'maxInFlight' | 'enqueuesPerSecond'): number | null => {
      const value = input[field] ?? null;
      return value === null ? null : parseWhole(`input.${field}`, value, 1, int32Max);
    };
    const limits = {
      maxDepth: take('maxDepth'),
      maxInFlight: take('maxInFlight'),
      enqueuesPerSecond: take('enqueuesPerSecond'),
    };
    const what = describeChange(
      {
        'depth max': limits.maxDepth,
        'in flight max': limits.maxInFlight,
        'enqueues per second': limits.enqueuesPerSecond,
      },
      parseTopicReason(input.reason),
    );
    const { maxDepth, maxInFlight, enqueuesPerSecond } = limits;
    await shard.run(saveLimits, [namespace, maxDepth, maxInFlight, enqueuesPerSecond, actor.subject, what]);
    return limits;
  };
}

interface Row {
  readonly queue_depth_max: number | null;
  readonly queue_in_flight_max: number | null;
  readonly queue_enqueues_per_second: number | null;
}

/** Reads them. @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE` */
export function createFindNamespaceLimits(
  shard: Shard,
): (actor: Actor | undefined, namespace: string) => Promise<QueueLimits> {
  return async (actor, givenNamespace) => {
    const namespace = parseName('namespace', givenNamespace);
    requireRole(actor, namespace, queueReaders);
    const [row] = await shard.run<Row>(readLimits, [namespace]);
    return {
      maxDepth: row?.queue_depth_max ?? null,
      maxInFlight: row?.queue_in_flight_max ?? null,
      enqueuesPerSecond: row?.queue_enqueues_per_second ?? null,
    };
  };
}
