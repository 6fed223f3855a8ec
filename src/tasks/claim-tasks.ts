import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import { badInput, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { TaskRecord } from '../domain/task.ts';
import type { Topic } from '../domain/topic.ts';
import { toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { ClaimedItem, Claims } from '../queue/claims.ts';
import type { Topics } from '../queue/topics.ts';
import { askShards } from '../shards/merge-pages.ts';
import type { ClaimTaskRow } from './claim-row.ts';
import type { AttemptEnd, Verdict } from './finish.ts';
import type { SchedulePlanner } from './schedules/planner.ts';
import type { TaskStore } from './store.ts';
import type { AnyTaskHandler } from './task-handler.ts';
import { requireOpenKind } from './task-handler.ts';

/** Who runs tasks outside. */
export const taskConsumers = ['consumer'] as const;

export interface ClaimTasksInput {
  readonly namespace: string;
  readonly kinds: readonly string[];
  readonly count?: number | null;
  readonly waitMs?: number | null;
  readonly leaseSeconds?: number | null;
}

/** A task in the hands of a worker outside. */
export interface ClaimedTask {
  readonly task: TaskRecord;
  /** From 1, of the present round. */
  readonly attempt: number;
  readonly lease: {
    readonly token: string;
    readonly holder: string;
    readonly acquiredAt: Date;
    readonly expiresAt: Date;
    readonly serverTime: Date;
  };
}

export interface ClaimTasksResult {
  readonly tasks: readonly ClaimedTask[];
  /** Kinds that are paused or have reached a limit. */
  readonly heldBackKinds: readonly string[];
}

export interface ClaimTasksDependencies {
  readonly claims: Claims<ClaimTaskRow>;
  readonly shards: readonly ClaimTasksShard[];
  readonly store: Pick<TaskStore, 'getTask'>;
  readonly finish: (end: AttemptEnd) => Promise<boolean>;
  readonly beginRun: SchedulePlanner['begin'];
  readonly handlers: readonly AnyTaskHandler[];
}

export interface ClaimTasksShard {
  readonly number: number;
  readonly topics: Topics;
  readonly announcer: Announcer;
}

/**
 * Hands tasks of some kinds to a worker outside, each under a lease, at most so many of all kinds together. Without any
 * it waits for the first. Whoever went away meanwhile gets none: what was claimed for it goes back, and no attempt counts.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createClaimTasks(
  dependencies: ClaimTasksDependencies,
): (actor: Actor | undefined, input: ClaimTasksInput, signal: AbortSignal) => Promise<ClaimTasksResult> {
  const { claims, shards } = dependencies;
  const handlers = new Map(dependencies.handlers.map((handler) => [handler.kind, handler]));
  return async (maybeActor, input, signal) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireHolder(maybeActor, namespace, taskConsumers);
    const count = parseWhole('input.count', input.count ?? 1, 1, limits.tasksPerClaim);
    const waitMs = parseWhole('input.waitMs', input.waitMs ?? 0, 0, limits.waitMilliseconds);
    const seconds = input.leaseSeconds ?? limits.taskLeaseSecondsDefault;
    const leaseSeconds = parseWhole('input.leaseSeconds', seconds, limits.leaseSecondsMin, limits.leaseSecondsMax);
    for (const [place, kind] of input.kinds.entries()) {
      requireOpenKind(`input.kinds.${place}`, handlers.get(kind), actor);
    }
    const wanted = await findTopics(shards, namespace, input.kinds);
    const request = { holder: actor.subject, leaseSeconds, heldMax: null };
    const items: ClaimedItem<ClaimTaskRow>[] = [];
    const heldBack = new Set<string>();
    // Kind by kind, the first named first; whoever finds nothing anywhere waits for any of them.
    for (const topic of wanted) {
      if (items.length >= count) break;
      const wish = [{ topic, count: count - items.length }];
      try {
        const batch = await orUnavailable(wanted.length, claims.claimBatch(wish, request, 0, signal));
        if (batch === undefined) continue;
        items.push(...batch.items);
        for (const paused of batch.paused) heldBack.add(paused.name);
      } catch (error) {
        // What was claimed before is handed out all the same; the next call hears of a fault that lasts.
        if (error instanceof Fault && items.length > 0) break;
        await Promise.all(items.map((item) => giveBack(dependencies, actor.subject, item)));
        throw error;
      }
    }
    if (items.length === 0 && waitMs > 0) {
      const each = wanted.map((topic) => ({ topic, count: wanted.length === 1 ? count : 1 }));
      const batch = await claims.claimBatch(each, request, waitMs, signal);
      items.push(...batch.items);
    }
    const touched = new Set(items.map(({ topic }) => topic.shard));
    for (const { number, announcer } of shards) if (touched.has(number)) announcer.eventsWritten();
    const spare = signal.aborted ? items : items.slice(count);
    await Promise.all(spare.map((item) => giveBack(dependencies, actor.subject, item)));
    const kept = items.filter((item) => !spare.includes(item));
    const tasks = await Promise.all(kept.map((item) => handOut(dependencies, actor.subject, item)));
    return { tasks: tasks.filter((task) => task !== undefined), heldBackKinds: [...heldBack] };
  };
}

/** Makes what was claimed known, or ends it when earlier workers were lost as often as it may be tried. */
async function handOut(
  { store, finish, beginRun }: ClaimTasksDependencies,
  holder: string,
  { topic, token, row }: ClaimedItem<ClaimTaskRow>,
): Promise<ClaimedTask | undefined> {
  if (row.attempts_counted > row.max_attempts) {
    const error = `All ${row.max_attempts} attempts are used up; the last worker was lost`;
    await finish(endOf(holder, topic, token, row, { kind: 'EXHAUSTED', error }));
    return undefined;
  }
  const acquiredAt = toDate(row.acquired_at);
  if (row.schedule_id !== null && !(await beginRun(row.schedule_id, row.item_id!, acquiredAt))) return undefined;
  const expiresAt = toDate(row.expires_at);
  return {
    task: await store.getTask(row.item_id!),
    attempt: row.attempts_counted,
    lease: { token, holder, acquiredAt, expiresAt, serverTime: acquiredAt },
  };
}

async function giveBack(
  { finish }: ClaimTasksDependencies,
  holder: string,
  { topic, token, row }: ClaimedItem<ClaimTaskRow>,
): Promise<void> {
  await finish(endOf(holder, topic, token, row, { kind: 'RETURNED', error: 'It was not handed out' }));
}

function endOf(holder: string, topic: Topic, token: string, row: ClaimTaskRow, verdict: Verdict): AttemptEnd {
  return { taskId: row.item_id!, token, worker: holder, namespace: topic.namespace, verdict };
}

/** Of several topics, one whose shard cannot be reached is passed over. */
async function orUnavailable<Value>(topics: number, claimed: Promise<Value>): Promise<Value | undefined> {
  try {
    return await claimed;
  } catch (error) {
    if (topics > 1 && error instanceof Fault && error.code === 'UNAVAILABLE') return undefined;
    throw error;
  }
}

async function findTopics(
  shards: readonly ClaimTasksShard[],
  namespace: string,
  kinds: readonly string[],
): Promise<readonly Topic[]> {
  if (kinds.length < 1 || kinds.length > limits.topicsPerClaim) {
    throw badInput('input.kinds', `must have 1 to ${limits.topicsPerClaim} entries`);
  }
  const found = new Set<Topic>();
  for (const [index, name] of kinds.entries()) {
    const kind = parseName(`input.kinds.${index}`, name);
    const { values } = await askShards(
      shards,
      async ({ topics }) => topics.known(namespace, 'tasks', kind) ?? (await topics.ensure(namespace, 'tasks', kind)),
    );
    for (const topic of values) found.add(topic);
  }
  return [...found];
}
