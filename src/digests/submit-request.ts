import { createHash } from 'node:crypto';
import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { RecipientRecord, RequestRecord } from '../domain/digest.ts';
import { backpressure, unavailable } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseEmail, parseIdempotencyKey, parseName, parseText, parseWhole } from '../domain/names.ts';
import { parseTimeZone } from '../domain/schedule/parse-schedule.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { DigestStore } from './digest-store.ts';
import { windowsOf } from './windows-of.ts';

const submitRequests = loadStatement('submit-requests');
const readKey = loadStatement('read-idempotency-key');
/** The window may end, or the provider change, just when a request comes in: so often it is looked at again. */
const windowTriesMax = 5;

export interface SubmitRequestInput {
  readonly namespace: string;
  readonly customer: {
    readonly externalId: string;
    readonly email: string;
    readonly name?: string | null;
    readonly timeZone?: string | null;
  };
  readonly providerExternalId: string;
  readonly item: {
    readonly externalId: string;
    readonly description?: string | null;
    readonly quantity?: number | null;
  };
  readonly answerWithinDays?: number | null;
  readonly idempotencyKey?: string | null;
}

export type SubmitRequestResult =
  | { readonly kind: 'submitted'; readonly request: RequestRecord }
  | { readonly kind: 'unknownProvider'; readonly externalId: string }
  | { readonly kind: 'idempotencyConflict' };

interface Entry {
  readonly id: string;
  readonly namespace: string;
  readonly provider: RecipientRecord;
  /** The moment for which the window is worked out, in milliseconds since 1970. */
  readonly moment: number;
  readonly newCustomerId: string;
  readonly customer: { externalId: string; name: string | null; email: string; timeZone: string | null };
  readonly item: { externalId: string; description: string | null; quantity: number };
  readonly answerWithinDays: number;
  readonly actor: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
}

interface Outcome {
  readonly outcome: 'submitted' | 'key' | 'window';
  readonly submitted_at: string;
  readonly customer_id: string;
  readonly customer_name: string | null;
  readonly follow_up_at: string;
}

export interface SubmitRequestDependencies {
  readonly shard: Shard;
  readonly store: DigestStore;
  readonly announcer: Announcer;
  readonly newId: (shard: number) => string;
  readonly now: () => number;
  readonly observeBatch?: (rows: number, milliseconds: number) => void;
}

/**
 * Submits a request: it is committed with its place in the provider's open digest, then answered. Whether a request
 * belongs to the window that just ends or to the next one is decided by the database's clock.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createSubmitRequest(
  dependencies: SubmitRequestDependencies,
): (actor: Actor | undefined, input: SubmitRequestInput) => Promise<SubmitRequestResult> {
  const { shard, store, announcer, newId, now } = dependencies;
  const commit = createBatcher<Entry, Outcome>({
    run: (entries) => commitEntries(shard, announcer, entries),
    ...(dependencies.observeBatch === undefined ? {} : { observe: dependencies.observeBatch }),
  });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['producer', 'supervisor', 'operator']);
    const parsed = parseInput(input);
    const idempotencyKey = parseIdempotencyKey('input.idempotencyKey', input.idempotencyKey);
    const requestHash = idempotencyKey === null ? null : hashRequest(parsed);
    let moment = now();
    for (let tries = 0; tries < windowTriesMax; tries++) {
      const provider = await store.recallProvider(namespace, parsed.providerExternalId);
      if (provider === undefined) return { kind: 'unknownProvider', externalId: parsed.providerExternalId };
      const { customer, item, answerWithinDays } = parsed;
      const entry: Entry = {
        id: newId(shard.number),
        namespace,
        provider,
        moment,
        newCustomerId: newId(shard.number),
        customer,
        item,
        answerWithinDays,
        actor: actor.subject,
        idempotencyKey,
        requestHash,
      };
      const outcome = await commit(entry);
      if (outcome.outcome === 'submitted') return { kind: 'submitted', request: toRecord(entry, outcome) };
      if (outcome.outcome === 'key') return readEarlier(shard, store, entry);
      moment = toDate(outcome.submitted_at).getTime();
      store.forgetProvider(namespace, parsed.providerExternalId);
    }
    throw backpressure(100);
  };
}

interface ParsedInput extends Pick<Entry, 'customer' | 'item' | 'answerWithinDays'> {
  readonly providerExternalId: string;
}

function parseInput({ customer, providerExternalId, item, answerWithinDays }: SubmitRequestInput): ParsedInput {
  const rule = { charactersMax: limits.textCharacters };
  return {
    customer: {
      externalId: parseText('input.customer.externalId', customer.externalId, rule),
      name: customer.name == null ? null : parseText('input.customer.name', customer.name, rule),
      email: parseEmail('input.customer.email', customer.email),
      timeZone: customer.timeZone == null ? null : parseTimeZone('input.customer.timeZone', customer.timeZone),
    },
    providerExternalId: parseText('input.providerExternalId', providerExternalId, rule),
    item: {
      externalId: parseText('input.item.externalId', item.externalId, rule),
      description:
        item.description == null || item.description.trim() === ''
          ? null
          : parseText('input.item.description', item.description, {
              charactersMax: limits.requestDescriptionCharacters,
            }),
      quantity: parseWhole('input.item.quantity', item.quantity ?? 1, 1, limits.requestQuantityMax),
    },
    answerWithinDays: parseWhole(
      'input.answerWithinDays',
      answerWithinDays ?? limits.answerWithinDaysDefault,
      1,
      limits.answerWithinDaysMax,
    ),
  };
}

async function commitEntries(shard: Shard, announcer: Announcer, entries: readonly Entry[]): Promise<Outcome[]> {
  const windows = entries.map(({ provider, moment }) => windowsOf([provider], moment));
  const rows = await shard.run<Outcome & { n: number }>(submitRequests, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.provider.id),
    entries.map((entry) => entry.provider.version),
    windows.map((window) => window.starts[0]),
    windows.map((window) => window.ends[0]),
    entries.map((entry) => entry.newCustomerId),
    entries.map((entry) => entry.customer.externalId),
    entries.map((entry) => entry.customer.name),
    entries.map((entry) => entry.customer.email),
    entries.map((entry) => entry.customer.timeZone),
    entries.map((entry) => entry.item.externalId),
    entries.map((entry) => entry.item.description),
    entries.map((entry) => entry.item.quantity),
    entries.map((entry) => entry.answerWithinDays),
    entries.map((entry) => entry.actor),
    entries.map((entry) => entry.idempotencyKey),
    entries.map((entry) => entry.requestHash),
  ]);
  crashPoint('submit_request_after_commit');
  announcer.eventsWritten();
  const answers = new Array<Outcome>(entries.length);
  for (const row of rows) answers[row.n - 1] = row;
  return answers;
}

function toRecord(entry: Entry, outcome: Outcome): RequestRecord {
  const { externalId, email } = entry.customer;
  return {
    id: entry.id,
    namespace: entry.namespace,
    status: 'RECEIVED',
    customer: { id: outcome.customer_id, externalId, email, name: outcome.customer_name },
    providerId: entry.provider.id,
    providerExternalId: entry.provider.externalId,
    item: entry.item,
    answerWithinDays: entry.answerWithinDays,
    submittedBy: entry.actor,
    submittedAt: toDate(outcome.submitted_at),
    notifiedAt: null,
    answer: null,
    customerNotifiedAt: null,
    followUpAt: toDate(outcome.follow_up_at),
    followUps: 0,
    endReason: null,
  };
}

/** The idempotency key was used before: by the same request, which gets the first result again, or by another one. */
async function readEarlier(shard: Shard, store: DigestStore, entry: Entry): Promise<SubmitRequestResult> {
  const rows = await shard.run<{ result_id: string; request_hash: string }>(readKey, [
    entry.namespace,
    entry.actor,
    'submitRequest',
    entry.idempotencyKey,
  ]);
  const earlier = rows[0];
  if (earlier === undefined) throw unavailable(100); // it was pruned between the two statements: the next call submits
  if (earlier.request_hash !== entry.requestHash) return { kind: 'idempotencyConflict' };
  return { kind: 'submitted', request: await store.getRequest(earlier.result_id) };
}

function hashRequest({ customer, providerExternalId, item, answerWithinDays }: ParsedInput): string {
  const { externalId, name, email, timeZone } = customer;
  const parts = [externalId, name, email, timeZone, providerExternalId];
  const more = [item.externalId, item.description, item.quantity, answerWithinDays];
  return createHash('sha256')
    .update(JSON.stringify([...parts, ...more]))
    .digest('hex');
}
