import DataLoader from 'dataloader';
import { backpressure } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';

export interface BatcherOptions<Input, Output> {
  /** Answers all inputs of a batch, in their order. An answer that is an Error fails its own caller only. */
  readonly run: (inputs: readonly Input[]) => Promise<readonly (Output | Error)[]>;
  /** How many batches may run at the same time; a second one only beside a slow first one. */
  readonly concurrent?: number;
  readonly rowsMax?: number;
  readonly waitingMax?: number;
  /** Inputs with the same key never stand in one statement: the later one runs after the earlier one's. */
  readonly apart?: (input: Input) => string | undefined;
  readonly observe?: (rows: number, milliseconds: number) => void;
}

/**
 * While a batch runs, what comes gathers for the next: one large statement costs less than two small ones side by side
 * (pairs of claim and decision: 369 µs of processor time instead of 449). But one that takes longer than this, as it
 * waits for a lock or a slow disk, does not hold up the others.
 */
const slowMilliseconds = 15;

/** PostgreSQL's classes of errors that one row's values cause: the statement changed nothing and would fail again. */
function isCausedByOneRow(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^(22|23)...$/.test(code);
}

/**
 * Group commit: what arrives while one statement runs goes together into the next. One caller alone waits for nobody.
 * @returns a function that answers one input. It throws Fault `BACKPRESSURE` when too many are waiting.
 */
export function createBatcher<Input, Output>(
  options: BatcherOptions<Input, Output>,
): (input: Input) => Promise<Output> {
  const concurrent = options.concurrent ?? 2;
  const waitingMax = options.waitingMax ?? limits.batchBuffer;
  const queue: (() => void)[] = [];
  let running = 0;
  let waiting = 0;
  let startedLastAt = Number.NEGATIVE_INFINITY;
  let watching = false;

  const next = (): void => {
    const now = performance.now();
    // A second one in the queue means that the first is full: it gains nothing by waiting.
    const mayStart = (): boolean =>
      running === 0 || (running < concurrent && (queue.length > 1 || now - startedLastAt >= slowMilliseconds));
    while (queue.length > 0 && mayStart()) {
      const dispatch = queue.shift()!;
      running += 1;
      startedLastAt = now;
      // One alone goes at once; beside another, after the current round of input: what was read together goes together.
      if (running === 1) queueMicrotask(dispatch);
      else setImmediate(dispatch);
    }
    if (queue.length === 0 || running >= concurrent || watching) return;
    watching = true;
    const look = (): void => {
      watching = false;
      next();
    };
    setTimeout(look, Math.max(1, slowMilliseconds - (now - startedLastAt)));
  };

  const loader = new DataLoader<Input, Output>(
    async (inputs) => {
      const startedAt = performance.now();
      try {
        return await runApart(inputs, options);
      } finally {
        running -= 1;
        options.observe?.(inputs.length, performance.now() - startedAt);
        next();
      }
    },
    {
      cache: false,
      maxBatchSize: options.rowsMax ?? limits.batchRows,
      batchScheduleFn: (dispatch) => {
        queue.push(dispatch);
        next();
      },
    },
  );

  return async (input) => {
    if (waiting >= waitingMax) throw backpressure(250);
    waiting += 1;
    try {
      return await loader.load(input);
    } finally {
      waiting -= 1;
    }
  };
}

/**
 * Inputs with the same key run one statement after the other. Each statement is committed by itself, so what fails a
 * later one says nothing of the earlier ones.
 */
async function runApart<Input, Output>(
  inputs: readonly Input[],
  options: BatcherOptions<Input, Output>,
): Promise<readonly (Output | Error)[]> {
  const { apart } = options;
  if (apart === undefined || inputs.length === 1) return runIsolating(inputs, options);
  const turns = takeTurns(inputs, apart);
  if (turns.length === 1) return runIsolating(inputs, options);
  const answers = new Array<Output | Error>(inputs.length);
  for (const turn of turns) {
    const ends = await runIsolating(
      turn.map((index) => inputs[index]!),
      options,
    ).catch((reason) => turn.map(() => toError(reason)));
    for (const [place, index] of turn.entries()) answers[index] = ends[place]!;
  }
  return answers;
}

/** The places of the inputs of each statement. */
function takeTurns<Input>(
  inputs: readonly Input[],
  apart: (input: Input) => string | undefined,
): readonly (readonly number[])[] {
  const first: number[] = [];
  const turns = [first];
  const seen = new Map<string, number>();
  for (const [index, input] of inputs.entries()) {
    const key = apart(input);
    const turn = key === undefined ? 0 : (seen.get(key) ?? 0);
    if (key !== undefined) seen.set(key, turn + 1);
    if (turn === turns.length) turns.push([index]);
    else turns[turn]!.push(index);
  }
  return turns;
}

/** One bad input fails its own caller only: when a statement fails for its values, each input gets one of its own. */
async function runIsolating<Input, Output>(
  inputs: readonly Input[],
  options: BatcherOptions<Input, Output>,
): Promise<readonly (Output | Error)[]> {
  try {
    return await options.run(inputs);
  } catch (error) {
    if (inputs.length === 1 || !isCausedByOneRow(error)) throw error;
    const answers: (Output | Error)[] = [];
    for (const input of inputs) {
      try {
        answers.push((await options.run([input]))[0]!);
      } catch (reason) {
        answers.push(toError(reason));
      }
    }
    return answers;
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
