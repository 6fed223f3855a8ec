import type { Actor } from '../../domain/actor.ts';
import { requireRole } from '../../domain/actor.ts';
import { Fault, notFound } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { parseName, parseWhole } from '../../domain/names.ts';
import { parseTimeZone } from '../../domain/schedule/parse-schedule.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement, toDate } from '../../postgres/sql.ts';
import type { Topics } from '../../queue/topics.ts';
import { taskOperators, taskReaders } from '../find-task.ts';
import { maxAttemptsDefault } from '../job-input.ts';
import { parseOptionalReason } from '../retry.ts';
import type { TaskControlChange } from '../task-controls.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { requireOpenKind } from '../task-handler.ts';
import { parsePayloadText, parsePriority } from '../task-input.ts';
import type { SchedulePlanner } from './planner.ts';
import type { CatchUpRule, ScheduleRow, TaskSchedule } from './schedule-record.ts';
import { nextRun, rhythmOf, toSchedule } from './schedule-record.ts';

const saveSchedule = loadStatement('save-task-schedule');
const holdSchedule = loadStatement('hold-task-schedule');
const resumeSchedule = loadStatement('resume-task-schedule');
const readSchedules = loadStatement('read-task-schedules');
const readChanges = loadStatement('read-task-control-changes');
const staleRetries = 3;

export interface UpsertTaskScheduleInput {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly payload?: unknown;
  readonly priority?: number | null;
  readonly maxAttempts?: number | null;
  readonly cron?: string | null;
  readonly every?: string | null;
  readonly anchor?: string | null;
  readonly timeZone?: string | null;
  readonly catchUp?: CatchUpRule | null;
}

export interface HoldTaskScheduleInput {
  readonly namespace: string;
  readonly name: string;
  readonly reason?: string | null;
}

export interface ScheduleServices {
  /** Saves a schedule under its name. A time that was planned already stays when the rhythm does. */
  readonly upsertTaskSchedule: (actor: Actor | undefined, input: UpsertTaskScheduleInput) => Promise<TaskSchedule>;
  readonly pauseTaskSchedule: (actor: Actor | undefined, input: HoldTaskScheduleInput) => Promise<TaskSchedule>;
  /** Goes on with the first run after now: what a pause left out is not caught up. */
  readonly resumeTaskSchedule: (actor: Actor | undefined, input: HoldTaskScheduleInput) => Promise<TaskSchedule>;
  readonly deleteTaskSchedule: (actor: Actor | undefined, input: HoldTaskScheduleInput) => Promise<void>;
  /** By name, at most a thousand. */
  readonly listTaskSchedules: (actor: Actor | undefined, namespace: string) => Promise<readonly TaskSchedule[]>;
  /** Who may see it is the caller's business. */
  readonly taskScheduleChanges: (schedule: TaskSchedule) => Promise<readonly TaskControlChange[]>;
}

export interface ScheduleDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly planner: SchedulePlanner;
  readonly handlers: readonly AnyTaskHandler[];
  readonly newId: (shard: number) => string;
  readonly now: () => number;
}

const savers = ['producer', 'supervisor', 'operator'] as const;

/** Each verb throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`. */
export function createScheduleServices(dependencies: ScheduleDependencies): ScheduleServices {
  const { shard, planner, now } = dependencies;
  const find = async (namespace: string, name: string): Promise<TaskSchedule | undefined> => {
    const [row] = await shard.run<ScheduleRow>(readSchedules, [namespace, name, null, 1]);
    return row === undefined ? undefined : toSchedule(row);
  };
  const get = async (namespace: string, name: string): Promise<TaskSchedule> => {
    const found = await find(namespace, name);
    if (found === undefined) throw notFound('Schedule');
    return found;
  };
  const hold = async (maybeActor: Actor | undefined, input: HoldTaskScheduleInput, removes: boolean) => {
    const { namespace, name, reason, actor } = readHold(maybeActor, input);
    const values = [namespace, name, removes, actor.subject, reason];
    const [row] = await shard.run<{ was_there: boolean }>(holdSchedule, values);
    return { namespace, name, found: row?.was_there === true };
  };
  return {
    async upsertTaskSchedule(maybeActor, input) {
      const { namespace, name, actor, plan } = readInput(maybeActor, input, dependencies.handlers);
      for (let attempt = 0; attempt < staleRetries; attempt++) {
        const earlier = await find(namespace, name);
        const outcome = await save(dependencies, namespace, name, actor.subject, plan, earlier);
        if (outcome !== 'stale') return get(namespace, name);
      }
      throw new Fault('BACKPRESSURE', 'Others are changing this schedule', { retryAfterMs: 250 });
    },
    async pauseTaskSchedule(actor, input) {
      const { namespace, name } = await hold(actor, input, false);
      return get(namespace, name);
    },
    async resumeTaskSchedule(maybeActor, input) {
      const { namespace, name, reason, actor } = readHold(maybeActor, input);
      await shard.run(resumeSchedule, [namespace, name, actor.subject, reason]);
      const schedule = await get(namespace, name);
      // When this process dies here, the scheduler plans it.
      if (schedule.nextTaskId === null) await planner.plan(schedule, null, false, nextRun(schedule, now()));
      return get(namespace, name);
    },
    async deleteTaskSchedule(actor, input) {
      if (!(await hold(actor, input, true)).found) throw notFound('Schedule');
    },
    async listTaskSchedules(actor, given) {
      const namespace = parseName('namespace', given);
      requireRole(actor, namespace, taskReaders);
      const rows = await shard.run<ScheduleRow>(readSchedules, [namespace, null, null, limits.taskSchedulesListed]);
      return rows.map(toSchedule);
    },
    async taskScheduleChanges({ namespace, name }) {
      const values = [namespace, `schedule ${name}`, limits.taskControlChangesShown];
      const rows = await shard.run<Omit<TaskControlChange, 'at'> & { at: string }>(readChanges, values);
      return rows.map((row) => ({ ...row, at: toDate(row.at) }));
    },
  };
}

interface Plan {
  readonly kind: string;
  readonly payload: string;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly cron: string | null;
  readonly every: string | null;
  readonly anchor: string | null;
  readonly timeZone: string;
  readonly catchUp: CatchUpRule;
}

function readInput(
  maybeActor: Actor | undefined,
  input: UpsertTaskScheduleInput,
  handlers: readonly AnyTaskHandler[],
): { readonly namespace: string; readonly name: string; readonly actor: Actor; readonly plan: Plan } {
  const namespace = parseName('input.namespace', input.namespace);
  const actor = requireRole(maybeActor, namespace, savers);
  const kind = parseName('input.kind', input.kind);
  const handler = handlers.find((one) => one.kind === kind);
  requireOpenKind('input.kind', handler, actor);
  const times = { cron: input.cron ?? null, every: input.every ?? null, anchor: input.anchor ?? null };
  rhythmOf(times); // refuses what is none
  const attempts = input.maxAttempts ?? handler?.maxAttempts ?? maxAttemptsDefault;
  const plan: Plan = {
    kind,
    payload: parsePayloadText('input.payload', input.payload ?? {}, handler),
    priority: parsePriority('input.priority', input.priority ?? 0),
    maxAttempts: parseWhole('input.maxAttempts', attempts, 1, limits.taskAttemptsMax),
    ...times,
    timeZone: parseTimeZone('input.timeZone', input.timeZone ?? 'UTC'),
    catchUp: input.catchUp ?? 'ONE',
  };
  return { namespace, name: parseName('input.name', input.name), actor, plan };
}

function readHold(maybeActor: Actor | undefined, input: HoldTaskScheduleInput) {
  const namespace = parseName('input.namespace', input.namespace);
  const actor = requireRole(maybeActor, namespace, taskOperators);
  return { namespace, name: parseName('input.name', input.name), reason: parseOptionalReason(input.reason), actor };
}

async function save(
  { shard, topics, planner, newId, now }: ScheduleDependencies,
  namespace: string,
  name: string,
  who: string,
  plan: Plan,
  earlier: TaskSchedule | undefined,
): Promise<string> {
  const topic = topics.known(namespace, 'tasks', plan.kind) ?? (await topics.ensure(namespace, 'tasks', plan.kind));
  const keepsTime =
    earlier?.nextAt != null &&
    earlier.cron === plan.cron &&
    earlier.every === plan.every &&
    earlier.anchor === plan.anchor &&
    earlier.timeZone === plan.timeZone;
  const at = (keepsTime ? earlier.nextAt! : new Date(nextRun(plan, now()))).toISOString();
  const task = newId(shard.number);
  const [row] = await shard.run<{ outcome: string }>(saveSchedule, [
    earlier?.id ?? newId(shard.number),
    namespace,
    name,
    earlier?.revision ?? null,
    plan.kind,
    plan.payload,
    plan.priority,
    plan.maxAttempts,
    plan.cron,
    plan.every,
    plan.anchor,
    plan.timeZone,
    plan.catchUp,
    who,
    at,
    newId(shard.number),
    task,
    topic.id,
  ]);
  const outcome = row?.outcome ?? 'stale';
  await planner.announce(outcome, { id: task, topicId: topic.id, priority: plan.priority, at });
  return outcome;
}
