import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import { defaultBackoff, retryDelayMilliseconds } from '../domain/backoff.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { parseLeaseToken } from '../domain/lease-token.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';
import type { TaskRecord } from '../domain/task.ts';
import { taskConsumers } from './claim-tasks.ts';
import type { AttemptEnd, Verdict } from './finish.ts';
import type { ExtendedLease, Heartbeat } from './heartbeat.ts';
import type { TaskStore } from './store.ts';
import type { AnyTaskHandler } from './task-handler.ts';

interface TaskLeaseInput {
  readonly namespace: string;
  readonly taskId: string;
  readonly leaseToken: string;
}

export interface HeartbeatTaskInput extends TaskLeaseInput {
  readonly leaseSeconds?: number | null;
}

export interface CompleteTaskInput extends TaskLeaseInput {
  readonly result?: unknown;
}

export interface FailTaskInput extends TaskLeaseInput {
  readonly error: string;
  readonly fatal?: boolean | null;
  readonly retryAfterSeconds?: number | null;
}

export interface ReleaseTaskInput extends TaskLeaseInput {
  readonly reason?: string | null;
}

/** What a worker outside tells about a task; undefined when its lease is lost, and nothing was changed. */
export interface TaskReports {
  readonly heartbeatTask: (actor: Actor | undefined, input: HeartbeatTaskInput) => Promise<ExtendedLease | undefined>;
  readonly completeTask: (actor: Actor | undefined, input: CompleteTaskInput) => Promise<TaskRecord | undefined>;
  /** Tried again after a wait, unless it is fatal or was the last attempt. */
  readonly failTask: (actor: Actor | undefined, input: FailTaskInput) => Promise<TaskRecord | undefined>;
  /** Given back unfinished: the attempt does not count. */
  readonly releaseTask: (actor: Actor | undefined, input: ReleaseTaskInput) => Promise<TaskRecord | undefined>;
}

export interface TaskReportDependencies {
  readonly store: TaskStore;
  readonly finish: (end: AttemptEnd) => Promise<boolean>;
  readonly heartbeat: (beat: Heartbeat) => Promise<ExtendedLease | undefined>;
  readonly handlers: readonly AnyTaskHandler[];
  readonly random: () => number;
}

/** Each verb throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`. */
export function createTaskReports(dependencies: TaskReportDependencies): TaskReports {
  const { store, heartbeat } = dependencies;
  const tell = async (lease: Lease, verdict: Verdict): Promise<TaskRecord | undefined> => {
    const counted = await dependencies.finish({ ...lease, verdict });
    return counted ? store.getTask(lease.taskId) : undefined;
  };
  return {
    async heartbeatTask(actor, input) {
      const seconds = input.leaseSeconds ?? limits.taskLeaseSecondsDefault;
      const leaseSeconds = parseWhole('input.leaseSeconds', seconds, limits.leaseSecondsMin, limits.leaseSecondsMax);
      return heartbeat({ ...readLease(actor, input), leaseSeconds });
    },
    async completeTask(actor, input) {
      const result = input.result == null ? null : JSON.stringify(input.result);
      if (result !== null && Buffer.byteLength(result) > limits.taskResultBytes)
        throw badInput('input.result', `must have at most ${limits.taskResultBytes} bytes as JSON`);
      return tell(readLease(actor, input), { kind: 'SUCCEEDED', result });
    },
    async failTask(actor, input) {
      const lease = readLease(actor, input);
      const error = parseText('input.error', input.error, { charactersMax: limits.taskErrorCharacters, lines: true });
      const wait =
        input.retryAfterSeconds == null
          ? null
          : parseWhole('input.retryAfterSeconds', input.retryAfterSeconds, 0, limits.taskRunAtSeconds) * 1_000;
      const task = await store.findTask(lease.taskId);
      if (task === undefined) return undefined;
      if (input.fatal === true || task.attemptsCounted >= task.maxAttempts)
        return tell(lease, { kind: 'FAILED', error });
      const rule = dependencies.handlers.find((one) => one.kind === task.kind)?.backoff ?? defaultBackoff;
      const backoff = retryDelayMilliseconds(rule, Math.max(1, task.attemptsCounted), dependencies.random());
      return tell(lease, { kind: 'RETRY', error, delayMilliseconds: wait ?? backoff });
    },
    async releaseTask(actor, input) {
      const reason =
        input.reason == null
          ? 'The worker gave it back'
          : parseText('input.reason', input.reason, { charactersMax: limits.taskErrorCharacters, lines: true });
      return tell(readLease(actor, input), { kind: 'RETURNED', error: reason });
    },
  };
}

type Lease = Omit<AttemptEnd, 'verdict'>;

function readLease(maybeActor: Actor | undefined, input: TaskLeaseInput): Lease {
  const namespace = parseName('input.namespace', input.namespace);
  const actor = requireHolder(maybeActor, namespace, taskConsumers);
  return {
    namespace,
    taskId: parseId('input.taskId', input.taskId),
    token: parseLeaseToken('input.leaseToken', input.leaseToken),
    worker: actor.subject,
  };
}
