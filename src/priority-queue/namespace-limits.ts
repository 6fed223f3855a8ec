import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { forbidden } from '../domain/errors.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { QueueLimits } from '../domain/queue-item.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const saveLimits = loadStatement('save-namespace-limits');
const int32Max = 2_147_483_647;

/** What is left out or null is not limited. */
export interface NamespaceLimitsInput {
  readonly namespace: string;
  readonly maxDepth?: number | null;
  readonly maxInFlight?: number | null;
  readonly enqueuesPerSecond?: number | null;
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
    await shard.run(saveLimits, [namespace, limits.maxDepth, limits.maxInFlight, limits.enqueuesPerSecond]);
    return limits;
  };
}
