import { createHash } from 'node:crypto';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';
import type { AnyTaskHandler } from './task-handler.ts';
import { parsePayloadText, parsePriority, parseRunAt } from './task-input.ts';

export const maxAttemptsDefault = 5;

/**
 * What happens when an unfinished task of the same kind has the key already. REJECT: the job is refused.
 * RETURN_EXISTING: that task is given back, and no other made. REPLACE: it is cancelled, the new one takes its place.
 * KEEP_TIME: the same, and the new one keeps its time. One that runs is not cancelled: it ends beside the new one.
 */
export const keyRules = ['REJECT', 'RETURN_EXISTING', 'REPLACE', 'KEEP_TIME'] as const;
export type KeyRule = (typeof keyRules)[number];

/** What becomes of a task when one that it waits for does not succeed. WAIT: it waits until that one was retried. */
export const failureRules = ['WAIT', 'CANCEL', 'RUN'] as const;
export type FailureRule = (typeof failureRules)[number];

export interface TaskInput {
  readonly kind: string;
  readonly payload?: unknown;
  readonly priority?: number | null;
  readonly runAt?: Date | null;
  readonly maxAttempts?: number | null;
  readonly uniqueKey?: string | null;
  readonly onConflict?: KeyRule | null;
  readonly uniqueSeconds?: number | null;
  readonly name?: string | null;
  /** Names of other tasks of the job, or their places in the list, from "0". */
  readonly dependsOn?: readonly string[] | null;
  readonly onDependencyFailure?: FailureRule | null;
}

export interface ParsedTask {
  readonly kind: string;
  readonly payload: string;
  readonly priority: number;
  readonly runAt: Date | null;
  readonly maxAttempts: number;
  readonly uniqueKey: string | null;
  readonly keyRule: KeyRule;
  readonly keySeconds: number | null;
  readonly name: string | null;
  /** Places of those that it waits for. */
  readonly dependsOn: readonly number[];
  readonly failureRule: Exclude<FailureRule, 'WAIT'> | null;
}

/**
 * Takes the tasks of a job.
 * @param handlers the kinds that are known here: their payloads are checked at once. Others are taken as they come.
 * @throws Fault `BAD_USER_INPUT` naming the field
 */
export function parseTasks(
  tasks: readonly TaskInput[],
  handlers: ReadonlyMap<string, AnyTaskHandler>,
  now: number,
): readonly ParsedTask[] {
  if (tasks.length < 1 || tasks.length > limits.tasksPerJob) {
    throw badInput('input.tasks', `must have 1 to ${limits.tasksPerJob} entries`);
  }
  const places = placesByName(tasks);
  const parsed = tasks.map((task, place) => parseTask(`input.tasks.${place}`, task, place, places, handlers, now));
  requireDistinctKeys(parsed);
  requireAnOrder(parsed);
  return parsed;
}

/** Tells one request from another under the same idempotency key. */
export function hashRequest(kind: string, externalId: string | null, tasks: readonly ParsedTask[]): string {
  // What a request does not use is left out, so that it hashes as it did before that could be used.
  const parts = tasks.map(({ kind, payload, priority, runAt, maxAttempts, ...more }) => {
    const used = more.uniqueKey !== null || more.name !== null || more.dependsOn.length > 0;
    return { kind, payload, priority, runAt, maxAttempts, ...(used ? more : {}) };
  });
  return createHash('sha256')
    .update(JSON.stringify([kind, externalId, parts]))
    .digest('hex');
}

function parseTask(
  field: string,
  task: TaskInput,
  place: number,
  places: ReadonlyMap<string, number>,
  handlers: ReadonlyMap<string, AnyTaskHandler>,
  now: number,
): ParsedTask {
  const kind = parseName(`${field}.kind`, task.kind);
  const handler = handlers.get(kind);
  const rule = task.onDependencyFailure ?? 'WAIT';
  return {
    kind,
    payload: parsePayloadText(`${field}.payload`, task.payload ?? {}, handler),
    runAt: parseRunAt(`${field}.runAt`, task.runAt, now),
    priority: parsePriority(`${field}.priority`, task.priority ?? 0),
    maxAttempts: parseWhole(
      `${field}.maxAttempts`,
      task.maxAttempts ?? handler?.maxAttempts ?? maxAttemptsDefault,
      1,
      limits.taskAttemptsMax,
    ),
    ...parseKey(field, task),
    name: task.name ?? null,
    dependsOn: parseDependencies(`${field}.dependsOn`, task.dependsOn ?? [], place, places),
    failureRule: rule === 'WAIT' ? null : rule,
  };
}

function parseKey(field: string, task: TaskInput): Pick<ParsedTask, 'uniqueKey' | 'keyRule' | 'keySeconds'> {
  const keyRule = task.onConflict ?? 'REJECT';
  const keySeconds =
    task.uniqueSeconds == null
      ? null
      : parseWhole(`${field}.uniqueSeconds`, task.uniqueSeconds, 1, limits.taskUniqueSeconds);
  if (task.uniqueKey == null) {
    if (keySeconds !== null || task.onConflict != null) throw badInput(`${field}.uniqueKey`, 'is missing');
    return { uniqueKey: null, keyRule, keySeconds };
  }
  const uniqueKey = parseText(`${field}.uniqueKey`, task.uniqueKey, { charactersMax: limits.taskUniqueKeyCharacters });
  return { uniqueKey, keyRule, keySeconds };
}

/** Names and places of tasks. A name may not look like a place. */
function placesByName(tasks: readonly TaskInput[]): ReadonlyMap<string, number> {
  const places = new Map(tasks.map((_task, place) => [String(place), place]));
  for (const [place, { name }] of tasks.entries()) {
    if (name === null || name === undefined) continue;
    const field = `input.tasks.${place}.name`;
    parseName(field, name);
    if (/^\d+$/.test(name)) throw badInput(field, 'must have more than digits, which are places');
    if (places.has(name)) throw badInput(field, 'is the name of another task of the job');
    places.set(name, place);
  }
  return places;
}

function parseDependencies(
  field: string,
  wanted: readonly string[],
  place: number,
  places: ReadonlyMap<string, number>,
): readonly number[] {
  if (wanted.length > limits.tasksPerJob) throw badInput(field, `must have at most ${limits.tasksPerJob} entries`);
  const found = wanted.map((name, index) => {
    const target = places.get(name);
    if (target === undefined) throw badInput(`${field}.${index}`, 'names no task of the job');
    if (target === place) throw badInput(`${field}.${index}`, 'names the task itself');
    return target;
  });
  return [...new Set(found)];
}

function requireDistinctKeys(tasks: readonly ParsedTask[]): void {
  const seen = new Set<string>();
  const awaited = new Set(tasks.flatMap((task) => task.dependsOn));
  for (const [place, { kind, uniqueKey, keyRule }] of tasks.entries()) {
    if (uniqueKey === null) continue;
    const field = `input.tasks.${place}`;
    if (seen.has(`${kind} ${uniqueKey}`)) throw badInput(`${field}.uniqueKey`, 'is that of another task of the job');
    seen.add(`${kind} ${uniqueKey}`);
    // The task that exists is another job's, and may have ended.
    if (keyRule === 'RETURN_EXISTING' && awaited.has(place))
      throw badInput(`${field}.onConflict`, 'must not be RETURN_EXISTING for a task on which another depends');
  }
}

/** Tasks that wait for each other in a ring would wait for ever. */
function requireAnOrder(tasks: readonly ParsedTask[]): void {
  const waiting = new Map(tasks.map((task, place) => [place, new Set(task.dependsOn)]));
  const free = [...waiting.keys()].filter((place) => waiting.get(place)!.size === 0);
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    waiting.delete(next);
    for (const [place, targets] of waiting) if (targets.delete(next) && targets.size === 0) free.push(place);
  }
  const [stuck] = waiting.keys();
  if (stuck !== undefined) throw badInput(`input.tasks.${stuck}.dependsOn`, 'depends on itself by way of others');
}
