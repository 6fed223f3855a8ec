import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, mayEnter } from '../domain/actor.ts';
import type { DigestRecord, RecipientRecord, RequestRecord } from '../domain/digest.ts';
import { Fault, forbidden, notFound } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import type { DigestStore } from './digest-store.ts';

/** Who sees all requests and digests of a namespace. */
export const digestReaders = ['producer', 'supervisor', 'operator'] as const;
/** A provider sees what is its own: the `sub` of its token is its external id. */
export const requestReaders = ['producer', 'provider', 'supervisor', 'operator'] as const;
/** Who may act on digests. */
export const digestOperators = ['supervisor', 'operator'] as const;

type Wanted = readonly (typeof requestReaders)[number][];

/** @throws Fault `UNAUTHENTICATED` or `FORBIDDEN` */
export function requireAnyRole(actor: Actor | undefined, wanted: Wanted): Actor {
  if (actor === undefined) throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
  if (!hasAnyRole(actor, wanted)) throw forbidden(`One of these roles is needed: ${wanted.join(', ')}`);
  return actor;
}

/** Whether an actor is nothing but a provider, and so sees its own alone. */
export function isMerelyProvider(actor: Actor): boolean {
  return !hasAnyRole(actor, digestReaders);
}

/**
 * Finds a request that the actor may see. What it may not see looks like what does not exist.
 * @throws Fault `UNAUTHENTICATED`, `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export async function findRequestFor(
  store: DigestStore,
  maybeActor: Actor | undefined,
  field: string,
  id: string,
  wanted: Wanted,
): Promise<RequestRecord> {
  const actor = requireAnyRole(maybeActor, wanted);
  const request = await store.getRequest(parseId(field, id));
  if (!maySeeRequest(actor, request)) throw notFound('Request');
  return request;
}

export function maySeeRequest(actor: Actor, request: RequestRecord): boolean {
  if (!mayEnter(actor, request.namespace)) return false;
  return !isMerelyProvider(actor) || request.providerExternalId === actor.subject;
}

/** The same for a digest. */
export async function findDigestFor(
  store: DigestStore,
  maybeActor: Actor | undefined,
  field: string,
  id: string,
  wanted: Wanted,
): Promise<DigestRecord> {
  const actor = requireAnyRole(maybeActor, wanted);
  const digest = await store.getDigest(parseId(field, id));
  if (!mayEnter(actor, digest.namespace)) throw notFound('Digest');
  if (isMerelyProvider(actor)) {
    const recipient = await store.getRecipient(digest.recipientId);
    if (recipient.kind !== 'PROVIDER' || recipient.externalId !== actor.subject) throw notFound('Digest');
  }
  return digest;
}

/** The same for a provider or customer. */
export async function findRecipientFor(
  store: DigestStore,
  maybeActor: Actor | undefined,
  field: string,
  id: string,
  wanted: Wanted,
): Promise<RecipientRecord> {
  const actor = requireAnyRole(maybeActor, wanted);
  const recipient = await store.getRecipient(parseId(field, id));
  if (!mayEnter(actor, recipient.namespace)) throw notFound('Provider');
  return recipient;
}
