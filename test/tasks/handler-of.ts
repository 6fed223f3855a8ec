import type { AnyTaskHandler, TaskRun } from '../../src/tasks/task-handler.ts';

/** A kind of a test's own, which tries again at once. */
export function handlerOf(
  kind: string,
  run: (payload: Record<string, unknown>, run: TaskRun) => Promise<Record<string, unknown> | undefined>,
  more: Partial<AnyTaskHandler> = {},
): AnyTaskHandler {
  return {
    kind,
    concurrency: 4,
    timeLimitMilliseconds: 20_000,
    leaseSeconds: 5,
    maxAttempts: 3,
    backoff: { firstMilliseconds: 10, factor: 1, capMilliseconds: 10 },
    parsePayload: (_field, payload) => payload,
    run: (payload, context) => run(payload as Record<string, unknown>, context),
    ...more,
  };
}
