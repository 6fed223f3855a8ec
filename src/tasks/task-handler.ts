import type { Actor } from '../domain/actor.ts';
import { hasAnyRole } from '../domain/actor.ts';
import type { BackoffRule } from '../domain/backoff.ts';
import type { OfCase } from '../domain/case-task.ts';
import { badInput } from '../domain/errors.ts';
import type { Logger } from '../log.ts';

/** What a handler is told about the task that it runs. */
export interface TaskRun {
  readonly taskId: string;
  readonly jobId: string;
  readonly namespace: string;
  /** From 1; those that came before have failed, or were lost with their worker. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Aborted when the time is up, the lease was lost, or the worker stops: nothing that comes after it counts. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export type TaskResult = Readonly<Record<string, unknown>> | undefined;

/** One kind of task. A task may run more than once: whatever it does outside carries the task's id as its key. */
export interface TaskHandler<Payload = unknown> {
  /** The kind's name: 1 to 63 of a-z, 0-9 and '-'. */
  readonly kind: string;
  /**
   * Takes the payload apart, when the task is created and again when it runs.
   * @throws Fault `BAD_USER_INPUT` naming the field
   */
  parsePayload(field: string, payload: unknown): Payload;
  /**
   * Does the work.
   * @returns what is kept as the task's result, at most 16 KB as JSON
   * @throws FatalTaskError when trying again cannot help; anything else is tried again
   */
  run(payload: Payload, run: TaskRun): Promise<TaskResult>;
  /** How many one worker process runs at once. */
  readonly concurrency: number;
  readonly timeLimitMilliseconds: number;
  /** How long a worker that is silent keeps a task; a living one extends its lease. At least 1. */
  readonly leaseSeconds: number;
  readonly maxAttempts: number;
  readonly backoff: BackoffRule;
  /** Makes it a task of cases: it is created with a registration or decision where `CASE_TASKS` wants it. */
  readonly ofCase?: OfCase;
  /**
   * A kind that acts on what the asker may not see, such as a case's mail: only Caseload itself and operators create its
   * tasks, and workers outside get none of them.
   */
  readonly internal?: true;
}

/** @throws Fault `BAD_USER_INPUT` when the kind is internal and somebody else than an operator asks for it */
export function requireOpenKind(field: string, handler: AnyTaskHandler | undefined, actor: Actor): void {
  if (handler?.internal === true && !hasAnyRole(actor, ['operator'])) {
    throw badInput(field, 'names a kind of task that Caseload creates itself');
  }
}

/** A kind with its payload's type put away, as lists of kinds hold it. */
export type AnyTaskHandler = TaskHandler<unknown>;

/** Names a handler's type once and puts it away: what `parsePayload` returns is all that `run` is ever given. */
export function defineTask<Payload>(handler: TaskHandler<Payload>): AnyTaskHandler {
  return handler as AnyTaskHandler;
}

/** Trying again cannot help: the task fails at once. The message is kept with the attempt. */
export class FatalTaskError extends Error {
  override readonly name = 'FatalTaskError';
}
