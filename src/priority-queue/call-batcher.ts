import { createBatcher } from '../queue/batcher.ts';

/** Calls with few entries go together, at most `limits.batchRows` of them; large ones nearly fill a statement alone. */
const smallCallEntries = 16;
const largeCallsPerStatement = 2;

export interface CallBatcherOptions<Call, Answer> {
  readonly run: (calls: readonly Call[]) => Promise<readonly Answer[]>;
  /** How many entries a call has. */
  readonly sizeOf: (call: Call) => number;
  readonly observe?: ((calls: number, milliseconds: number) => void) | undefined;
}

/**
 * Group commit of calls that carry many entries each.
 * @returns a function that answers one call. It throws Fault `BACKPRESSURE` when too many are waiting
 */
export function createCallBatcher<Call, Answer>({
  run,
  sizeOf,
  observe,
}: CallBatcherOptions<Call, Answer>): (call: Call) => Promise<Answer> {
  const options = { run, ...(observe === undefined ? {} : { observe }) };
  const commitSmall = createBatcher<Call, Answer>(options);
  const commitLarge = createBatcher<Call, Answer>({ ...options, rowsMax: largeCallsPerStatement });
  return (call) => (sizeOf(call) <= smallCallEntries ? commitSmall(call) : commitLarge(call));
}

/** Cuts the answers to the entries of several calls into each call's own. */
export function splitByCall<Answer>(
  calls: readonly (readonly unknown[])[],
  answers: readonly Answer[],
): (readonly Answer[])[] {
  let start = 0;
  return calls.map((call) => {
    const part = answers.slice(start, start + call.length);
    start += call.length;
    return part;
  });
}
