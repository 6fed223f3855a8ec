import { Fault, forbidden } from './errors.ts';

export const roles = ['applicant', 'auditor', 'supervisor', 'producer', 'consumer', 'provider', 'operator'] as const;
export type Role = (typeof roles)[number];

/** Who asks: the verified claims of a token. `namespace` is `*` for operators of the whole installation. */
export interface Actor {
  readonly subject: string;
  readonly namespace: string;
  readonly roles: ReadonlySet<Role>;
  /** Seconds since the epoch, or undefined for a token that does not end. */
  readonly expiresAtSeconds: number | undefined;
}

export function mayEnter(actor: Actor, namespace: string): boolean {
  return actor.namespace === namespace || (actor.namespace === '*' && actor.roles.has('operator'));
}

export function hasAnyRole(actor: Actor, wanted: readonly Role[]): boolean {
  return wanted.some((role) => actor.roles.has(role));
}

/**
 * Lets an actor pass who has one of the roles in that namespace.
 * @throws Fault `FORBIDDEN` otherwise, `UNAUTHENTICATED` without an actor.
 */
export function requireRole(actor: Actor | undefined, namespace: string, wanted: readonly Role[]): Actor {
  if (actor === undefined) throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
  if (!mayEnter(actor, namespace)) throw forbidden('This token is for another namespace');
  if (!hasAnyRole(actor, wanted)) throw forbidden(`One of these roles is needed: ${wanted.join(', ')}`);
  return actor;
}

/**
 * Lets an actor pass who may hold work in that namespace: a lease belongs to a person of one namespace, so a token for
 * all of them does not do.
 * @throws Fault as `requireRole`
 */
export function requireHolder(actor: Actor | undefined, namespace: string, wanted: readonly Role[]): Actor {
  const holder = requireRole(actor, namespace, wanted);
  if (holder.namespace !== namespace) throw forbidden('To hold work needs a token of its namespace');
  return holder;
}
