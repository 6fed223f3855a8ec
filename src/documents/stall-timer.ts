/** Counts the time that one party takes, and only that: it rests while the other is awaited. */
export interface StallTimer {
  /** Aborted when the party took too long. */
  readonly signal: AbortSignal;
  /** The party's turn begins anew. */
  run(): void;
  /** It is somebody else's turn. */
  rest(): void;
  /** Over: whatever still depends on the signal is aborted. */
  end(): void;
}

export function createStallTimer(milliseconds: number): StallTimer {
  const controller = new AbortController();
  let timeout: NodeJS.Timeout | undefined;
  const rest = (): void => clearTimeout(timeout);
  return {
    signal: controller.signal,
    run() {
      rest();
      if (controller.signal.aborted) return;
      timeout = setTimeout(() => controller.abort(new Error(`No progress for ${milliseconds} ms`)), milliseconds);
    },
    rest,
    end() {
      rest();
      controller.abort(new Error('Ended'));
    },
  };
}
