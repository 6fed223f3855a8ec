import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, mayEnter, requireRole } from '../domain/actor.ts';
import { Fault, notFound } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { HeldCase } from './case-rows.ts';
import type { CaseStore } from './store.ts';

/** Whether an actor may see a case at all: its own, or as somebody who works on cases in that namespace. */
export function maySeeCase(actor: Actor, held: HeldCase): boolean {
  if (!mayEnter(actor, held.case.namespace)) return false;
  if (hasAnyRole(actor, ['auditor', 'supervisor', 'operator'])) return true;
  return hasAnyRole(actor, ['applicant']) && held.case.registrant === actor.subject;
}

/**
 * Finds a case that the actor may see. What it may not see looks like what does not exist.
 * @returns a function that throws Fault `UNAUTHENTICATED`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createFindCase(store: CaseStore): (actor: Actor | undefined, id: string) => Promise<HeldCase> {
  return async (actor, id) => {
    if (actor === undefined) throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
    const held = await store.get(parseId('id', id));
    if (!maySeeCase(actor, held)) throw notFound('Case');
    return held;
  };
}

/** The cases that the actor holds in a namespace, with their leases. */
export function createMyLeases(
  store: CaseStore,
): (actor: Actor | undefined, namespace: string) => Promise<readonly HeldCase[]> {
  return async (maybeActor, name) => {
    const namespace = parseName('namespace', name);
    const actor = requireRole(maybeActor, namespace, ['auditor', 'supervisor']);
    return store.heldBy(namespace, actor.subject, limits.casesHeldPerPersonMax);
  };
}
