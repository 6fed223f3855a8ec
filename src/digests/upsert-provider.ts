import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { catchUpRules, firstItemRules, RecipientRecord } from '../domain/digest.ts';
import { backpressure } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseEmail, parseName, parseText, parseWhole } from '../domain/names.ts';
import { changeSchedule } from '../domain/schedule/effective-window.ts';
import type { QuietHoursInput, RhythmInput } from '../domain/schedule/parse-schedule.ts';
import { parseSchedule, parseTimeZone } from '../domain/schedule/parse-schedule.ts';
import type { Schedule } from '../domain/schedule/schedule.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { StoredSchedule } from './digest-rows.ts';
import type { DigestStore } from './digest-store.ts';

const upsertRecipient = loadStatement('upsert-recipient');
const pauseDigests = loadStatement('pause-digests');
const resumeDigests = loadStatement('resume-digests');
const releaseHeldDigests = loadStatement('release-held-digests');
const readMoment = loadStatement('read-moment');
const triesMax = 5;

/** Who may set up providers and customers. */
export const recipientKeepers = ['producer', 'supervisor', 'operator'] as const;

interface RecipientInput {
  readonly namespace: string;
  readonly externalId: string;
  readonly name?: string | null;
  readonly email: string;
  readonly timeZone?: string | null;
  readonly window?: RhythmInput | null;
  readonly quietHours?: QuietHoursInput | null;
}

export interface UpsertProviderInput extends RecipientInput {
  readonly window: RhythmInput;
  readonly firstItem?: (typeof firstItemRules)[number] | null;
  readonly itemsPerMail?: number | null;
  /** Pauses its digests until they are let go, or lets them go. Left out it changes nothing. */
  readonly paused?: boolean | null;
  readonly catchUp?: (typeof catchUpRules)[number] | null;
  readonly followUp?: {
    readonly businessDays?: boolean | null;
    readonly reminders?: number | null;
    readonly everyDays?: number | null;
  } | null;
}

/** Without a window a customer is told at once. */
export type UpsertCustomerInput = RecipientInput;

export interface RecipientServices {
  readonly upsertProvider: (actor: Actor | undefined, input: UpsertProviderInput) => Promise<RecipientRecord>;
  readonly upsertCustomer: (actor: Actor | undefined, input: UpsertCustomerInput) => Promise<RecipientRecord>;
}

interface RecipientPlace {
  readonly shard: Shard;
  readonly store: DigestStore;
}

export interface UpsertRecipientDependencies {
  /** Where a namespace has its providers and customers, settled by the first of them. */
  readonly home: (namespace: string) => Promise<RecipientPlace>;
  readonly newId: (shard: number) => string;
}

interface Parsed {
  readonly namespace: string;
  readonly kind: RecipientRecord['kind'];
  readonly externalId: string;
  readonly name: string | null;
  readonly email: string;
  readonly timeZone: string;
  readonly schedule: Schedule | null;
  readonly firstItem: string;
  readonly itemsPerMail: number;
  readonly catchUp: string;
  readonly businessDays: boolean;
  readonly reminders: number;
  readonly everyDays: number;
}

/**
 * Makes a provider, or changes it: what is left out gets its default. A changed schedule holds from the next window on.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createUpsertProvider(
  dependencies: UpsertRecipientDependencies,
): (actor: Actor | undefined, input: UpsertProviderInput) => Promise<RecipientRecord> {
  return async (actor, input) => {
    const common = parseCommon(actor, input);
    const schedule = parseSchedule(common.timeZone, input.window, input.quietHours);
    const followUp = input.followUp ?? {};
    const wanted: Parsed = {
      ...common,
      kind: 'PROVIDER',
      schedule,
      firstItem: input.firstItem ?? 'AT_END',
      itemsPerMail: parseWhole(
        'input.itemsPerMail',
        input.itemsPerMail ?? limits.digestItemsPerMailDefault,
        1,
        limits.digestItemsPerMail,
      ),
      catchUp: input.catchUp ?? 'MERGE',
      businessDays: followUp.businessDays ?? false,
      reminders: parseWhole('input.followUp.reminders', followUp.reminders ?? 1, 0, limits.remindersMax),
      everyDays: parseWhole('input.followUp.everyDays', followUp.everyDays ?? 2, 1, limits.answerWithinDaysMax),
    };
    const { shard, store } = await dependencies.home(common.namespace);
    const saved = await save({ shard, store, newId: dependencies.newId }, wanted);
    if (input.paused == null || input.paused === (saved.pause !== null)) return saved;
    if (input.paused) await shard.run(pauseDigests, [saved.id, null, null, actor!.subject]);
    else await shard.run(resumeDigests, [saved.id, actor!.subject, null]);
    store.forgetProvider(saved.namespace, saved.externalId);
    return store.getRecipient(saved.id);
  };
}

/** The same for a customer, who else comes into being with a first request and is told at once. */
export function createUpsertCustomer(
  dependencies: UpsertRecipientDependencies,
): (actor: Actor | undefined, input: UpsertCustomerInput) => Promise<RecipientRecord> {
  return async (actor, input) => {
    const common = parseCommon(actor, input);
    const wanted: Parsed = {
      ...common,
      kind: 'CUSTOMER',
      schedule: input.window == null ? null : parseSchedule(common.timeZone, input.window, input.quietHours),
      firstItem: 'AT_END',
      itemsPerMail: limits.digestItemsPerMailDefault,
      catchUp: 'MERGE',
      businessDays: false,
      reminders: 0,
      everyDays: 1,
    };
    return save({ ...(await dependencies.home(common.namespace)), newId: dependencies.newId }, wanted);
  };
}

function parseCommon(
  actor: Actor | undefined,
  input: RecipientInput,
): Pick<Parsed, 'namespace' | 'externalId' | 'name' | 'email' | 'timeZone'> {
  const namespace = parseName('input.namespace', input.namespace);
  requireRole(actor, namespace, recipientKeepers);
  const rule = { charactersMax: limits.textCharacters };
  return {
    namespace,
    externalId: parseText('input.externalId', input.externalId, rule),
    name: input.name == null ? null : parseText('input.name', input.name, rule),
    email: parseEmail('input.email', input.email),
    timeZone: parseTimeZone('input.timeZone', input.timeZone ?? 'UTC'),
  };
}

async function save(
  { shard, store, newId }: RecipientPlace & Pick<UpsertRecipientDependencies, 'newId'>,
  wanted: Parsed,
): Promise<RecipientRecord> {
  for (let tries = 0; tries < triesMax; tries++) {
    const known = await store.findRecipient(wanted);
    const now = toDate((await shard.run<{ at: string }>(readMoment, []))[0]!.at).getTime();
    const windows = changeWindows(known, wanted.schedule, now);
    const rows = await shard.run<{ id: string }>(upsertRecipient, [
      newId(shard.number),
      wanted.namespace,
      wanted.kind,
      wanted.externalId,
      wanted.name,
      wanted.email,
      wanted.timeZone,
      windows === null ? null : JSON.stringify(windows.schedule),
      windows?.since == null ? null : new Date(windows.since).toISOString(),
      windows?.previous == null ? null : JSON.stringify(windows.previous),
      wanted.firstItem,
      wanted.itemsPerMail,
      wanted.catchUp,
      wanted.businessDays,
      wanted.reminders,
      wanted.everyDays,
      known?.version ?? null,
    ]);
    if (wanted.kind === 'PROVIDER') store.forgetProvider(wanted.namespace, wanted.externalId);
    if (rows[0] === undefined) continue;
    // Another address, so mail may go again: what was held because of the old one is due.
    if (known?.bounce != null && known.email !== wanted.email) await shard.run(releaseHeldDigests, [known.id]);
    return store.getRecipient(rows[0].id);
  }
  throw backpressure(100);
}

/** What is told at once has no window that could go on, so a first schedule, or none, holds from now on. */
function changeWindows(
  known: RecipientRecord | undefined,
  schedule: Schedule | null,
  now: number,
): RecipientRecord['windows'] {
  if (schedule === null) return null;
  if (known == null || known.windows === null) return { schedule, since: null, previous: null };
  if (isSame(known.windows.schedule, schedule)) return known.windows;
  return changeSchedule(known.windows, schedule, now);
}

function isSame(a: StoredSchedule, b: StoredSchedule): boolean {
  const parts = ({ timeZone, rhythm, quietHours }: StoredSchedule): unknown[] => [
    timeZone,
    rhythm.kind,
    ...(rhythm.kind === 'interval' ? [rhythm.milliseconds, rhythm.anchor] : [rhythm.expression]),
    quietHours?.from,
    quietHours?.to,
  ];
  return JSON.stringify(parts(a)) === JSON.stringify(parts(b));
}
