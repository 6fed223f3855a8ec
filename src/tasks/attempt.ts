import { retryDelayMilliseconds } from '../domain/backoff.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Verdict } from './finish.ts';
import type { RunningTask } from './running-task.ts';
import type { AnyTaskHandler, TaskResult, TaskRun } from './task-handler.ts';
import { FatalTaskError } from './task-handler.ts';

/**
 * Runs a handler once and says how that ended; never throws. A handler that does not heed its signal is left behind:
 * what it does later counts for nothing.
 * @param random from 0 up to, not including, 1, for the wait until the next attempt
 * @returns undefined when the lease was lost, and there is nothing left to say
 */
export async function attemptTask(
  handler: AnyTaskHandler,
  payload: unknown,
  run: TaskRun,
  running: RunningTask,
  random: number,
): Promise<Verdict | undefined> {
  const work = runHandler(handler, payload, run);
  work.catch(() => undefined); // left behind when it is stopped first
  const stopped = running.stopped.then(() => ({ stopped: true as const }));
  let failure: unknown;
  try {
    const ended = await Promise.race([work.then((result) => ({ result })), stopped]);
    if ('result' in ended) return { kind: 'SUCCEEDED', result: encodeResult(ended.result) };
  } catch (error) {
    failure = error;
  }
  // Whoever is told to stop may fail because of that: the reason counts, not the error.
  if (running.lost) return undefined;
  if (running.reason === 'STOPPING') return { kind: 'RETURNED', error: 'The worker was stopped' };
  if (running.reason === 'TIME') failure = new Error(`It took longer than ${handler.timeLimitMilliseconds} ms`);
  return judgeFailure(handler, run, failure, random);
}

async function runHandler(handler: AnyTaskHandler, payload: unknown, run: TaskRun): Promise<TaskResult> {
  return handler.run(handler.parsePayload('payload', payload), run);
}

function encodeResult(result: TaskResult): string | null {
  if (result === undefined) return null;
  const text = JSON.stringify(result);
  if (Buffer.byteLength(text) <= limits.taskResultBytes) return text;
  // The work is done, and doing it again would bring the same.
  return JSON.stringify({ omitted: `The result had more than ${limits.taskResultBytes} bytes` });
}

function judgeFailure(handler: AnyTaskHandler, run: TaskRun, error: unknown, random: number): Verdict {
  const text = describeError(error);
  const isFatal = error instanceof FatalTaskError || (error instanceof Fault && error.code === 'BAD_USER_INPUT');
  if (isFatal || run.attempt >= run.maxAttempts) return { kind: 'FAILED', error: text };
  return {
    kind: 'RETRY',
    error: text,
    delayMilliseconds: retryDelayMilliseconds(handler.backoff, run.attempt, random),
  };
}

/** What operators get to read. PostgreSQL's text has no null characters. */
function describeError(error: unknown): string {
  const text = error instanceof Error ? describeReason(error) : String(error);
  return text.toWellFormed().replaceAll('\0', ' ').slice(0, limits.taskErrorCharacters).toWellFormed();
}

/** What Caseload itself says is written for people. `fetch failed` alone helps nobody: why it failed is in its cause. */
function describeReason(error: Error): string {
  if (error instanceof Fault) return error.message;
  const text = `${error.name}: ${error.message}`;
  if (!(error.cause instanceof Error)) return text;
  const { message, code, name } = error.cause as NodeJS.ErrnoException;
  return `${text} (${message || code || name})`;
}
