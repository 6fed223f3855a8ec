import type { ExecutionResult } from 'graphql';
import type { OperationResult } from './fault-format.ts';

/** The results of a subscription. After `end` it gives what is left and no more; `return` ends it at once. */
export interface EventStream extends AsyncGenerator<OperationResult, void, void> {
  /** Ends the subscription from this side, with a last result that says why. */
  end(last: OperationResult): void;
}

export interface EventStreamOptions {
  readonly source: AsyncGenerator<ExecutionResult, void, void>;
  /** Makes one of the executor's results ready for the wire. */
  readonly format: (result: ExecutionResult) => OperationResult;
  /** Logs a failure of the source itself and makes it ready for the wire; the stream ends with it. */
  readonly formatFailure: (error: unknown) => OperationResult;
  /** Called once when the subscription is over, for whatever reason. */
  readonly onEnd: () => void;
}

type Step = IteratorResult<OperationResult, void>;

/**
 * Wraps the executor's results so that the subscription can end while its source is waiting for the next event: the
 * `return` of a generator waits for what it awaits, perhaps for ever, and so cannot be relied on to free it.
 */
export function createEventStream({ source, format, formatFailure, onEnd }: EventStreamOptions): EventStream {
  let isOver = false;
  let last: OperationResult | undefined;
  let waiting: ((step: Step) => void) | undefined;

  const answer = (step: Step): void => {
    const resolve = waiting;
    waiting = undefined;
    resolve?.(step);
  };
  const takeLast = (): Step => {
    if (last === undefined) return { done: true, value: undefined };
    const value = last;
    last = undefined;
    return { done: false, value };
  };
  const finish = (lastResult?: OperationResult): void => {
    if (isOver) return;
    isOver = true;
    last = lastResult;
    onEnd();
    // Not awaited: the signal of its context has told the source, which may take its time.
    source.return(undefined).catch(formatFailure);
    if (waiting !== undefined) answer(takeLast());
  };
  const pull = async (): Promise<void> => {
    try {
      const step = await source.next();
      if (isOver) return;
      if (step.done === true) finish();
      else answer({ done: false, value: format(step.value) });
    } catch (error) {
      finish(formatFailure(error));
    }
  };

  return {
    next() {
      if (isOver) return Promise.resolve(takeLast());
      return new Promise<Step>((resolve) => {
        waiting = resolve;
        void pull();
      });
    },
    return() {
      finish();
      last = undefined;
      return Promise.resolve<Step>({ done: true, value: undefined });
    },
    throw(error) {
      finish();
      return Promise.reject(error);
    },
    end: finish,
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      finish();
    },
  };
}
