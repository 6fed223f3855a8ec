import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { RecipientRecord, RequestOutcome, RequestRecord } from '../domain/digest.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { isMerelyProvider } from './access.ts';
import type { DigestStore } from './digest-store.ts';
import { windowsOf } from './windows-of.ts';

const respondToRequests = loadStatement('respond-to-requests');
const readMoment = loadStatement('read-moment');
/** A customer's window may end just when an answer comes in: so often it is looked at again. */
const windowTriesMax = 5;

export interface ResponseInput {
  readonly requestId: string;
  readonly outcome: RequestOutcome;
  readonly note?: string | null;
}

export interface RespondInput {
  readonly namespace: string;
  readonly responses: readonly ResponseInput[];
}

/** How one of the answers fared, in the order of the input. */
export type ResponseResult =
  | { readonly kind: 'answered'; readonly request: RequestRecord }
  | { readonly kind: 'alreadyAnswered'; readonly request: RequestRecord }
  | { readonly kind: 'requestOver'; readonly status: 'CANCELLED' | 'CLOSED' }
  | { readonly kind: 'requestUnknown'; readonly requestId: string }
  /** Nothing of it was written; the same answer may be sent again. */
  | { readonly kind: 'tryAgain'; readonly requestId: string };

export interface RespondDependencies {
  readonly shard: Shard;
  readonly store: DigestStore;
  readonly announcer: Announcer;
}

type Verdict = 'answered' | 'repeated' | 'before' | 'cancelled' | 'closed' | 'unknown' | 'window';

interface ParsedResponse {
  readonly requestId: string;
  readonly outcome: RequestOutcome;
  readonly note: string | null;
}

/** Who answers, and whose requests: null for anybody's of the namespace. */
export interface Responder {
  readonly namespace: string;
  readonly name: string;
  readonly providerId: string | null;
}

/**
 * Answers requests, each by itself: one that must be refused does not touch the others. Their customers are told by
 * digests of their own. The same answer twice is fine.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createRespondToRequests(
  dependencies: RespondDependencies,
): (actor: Actor | undefined, input: RespondInput) => Promise<readonly ResponseResult[]> {
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['provider', 'supervisor', 'operator']);
    const responses = parseResponses(input.responses);
    let providerId: string | null = null;
    if (isMerelyProvider(actor)) {
      const own = await dependencies.store.recallProvider(namespace, actor.subject);
      if (own === undefined) return responses.map(({ requestId }) => ({ kind: 'requestUnknown', requestId }));
      providerId = own.id;
    }
    return respond(dependencies, { namespace, name: actor.subject, providerId }, responses);
  };
}

/** Takes answers apart. @throws Fault `BAD_USER_INPUT` */
export function parseResponses(responses: readonly ResponseInput[]): readonly ParsedResponse[] {
  if (responses.length < 1 || responses.length > limits.responsesPerCall)
    throw badInput('input.responses', `must have 1 to ${limits.responsesPerCall} entries`);
  const seen = new Set<string>();
  return responses.map(({ requestId, outcome, note }, index) => {
    const field = `input.responses.${index}`;
    const id = parseId(`${field}.requestId`, requestId);
    if (seen.has(id)) throw badInput(`${field}.requestId`, 'must not stand twice');
    seen.add(id);
    const empty = note == null || note.trim() === '';
    const rule = { charactersMax: limits.answerNoteCharacters, lines: true };
    return { requestId: id, outcome, note: empty ? null : parseText(`${field}.note`, note, rule) };
  });
}

/** Answers for whoever has the right to; the same for accounts and for the link in a mail. */
export async function respond(
  { shard, store, announcer }: RespondDependencies,
  responder: Responder,
  responses: readonly ParsedResponse[],
): Promise<readonly ResponseResult[]> {
  const verdicts = new Map<string, Verdict>();
  let open = responses;
  for (let tries = 0; tries < windowTriesMax && open.length > 0; tries++) {
    const customers = await customersOf(store, responder, open);
    const moment = toDate((await shard.run<{ at: string }>(readMoment, []))[0]!.at).getTime();
    const windows = windowsOf(customers, moment);
    const rows = await shard.run<{ n: number; outcome: Verdict }>(respondToRequests, [
      responder.namespace,
      open.map((response) => response.requestId),
      open.map((response) => response.outcome),
      open.map((response) => response.note),
      responder.name,
      responder.providerId,
      windows.ids,
      windows.versions,
      windows.starts,
      windows.ends,
    ]);
    for (const row of rows) verdicts.set(open[row.n - 1]!.requestId, row.outcome);
    open = open.filter((response) => verdicts.get(response.requestId) === 'window');
  }
  announcer.eventsWritten();
  return Promise.all(
    responses.map((response) => toResult(store, response.requestId, verdicts.get(response.requestId)!)),
  );
}

async function customersOf(
  store: DigestStore,
  responder: Responder,
  responses: readonly ParsedResponse[],
): Promise<RecipientRecord[]> {
  const requests = await Promise.all(responses.map((response) => store.findRequest(response.requestId)));
  const ids = new Set(
    requests.flatMap((request) =>
      request?.namespace === responder.namespace &&
      (responder.providerId === null || request.providerId === responder.providerId) &&
      request.answer === null
        ? [request.customer.id]
        : [],
    ),
  );
  return Promise.all([...ids].map((id) => store.getRecipient(id)));
}

async function toResult(store: DigestStore, requestId: string, verdict: Verdict): Promise<ResponseResult> {
  switch (verdict) {
    case 'answered':
    case 'repeated':
      return { kind: 'answered', request: await store.getRequest(requestId) };
    case 'before':
      return { kind: 'alreadyAnswered', request: await store.getRequest(requestId) };
    case 'cancelled':
      return { kind: 'requestOver', status: 'CANCELLED' };
    case 'closed':
      return { kind: 'requestOver', status: 'CLOSED' };
    case 'unknown':
      return { kind: 'requestUnknown', requestId };
    case 'window':
      return { kind: 'tryAgain', requestId };
  }
}
