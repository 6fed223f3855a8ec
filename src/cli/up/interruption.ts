const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C may come to us twice, from the terminal and from whoever started us. */
const sameSignalMilliseconds = 500;

export interface Interruption {
  /** Aborted by the first signal that asks to stop. */
  readonly signal: AbortSignal;
  /** Resolves with it. */
  readonly happened: Promise<void>;
}

/**
 * Listens to Ctrl-C and its kin. The second one ends the process at once with 130; the servers are then stopped by
 * their watchdogs.
 * @param onFirst called with the first one
 */
export function listenForInterruption(onFirst: () => void): Interruption {
  const controller = new AbortController();
  const happened = Promise.withResolvers<void>();
  let firstAt = 0;
  const onSignal = (): void => {
    const now = performance.now();
    if (controller.signal.aborted) {
      if (now - firstAt > sameSignalMilliseconds) process.exit(130);
      return;
    }
    firstAt = now;
    controller.abort(new Error('Interrupted'));
    onFirst();
    happened.resolve();
  };
  for (const name of endingSignals) process.on(name, onSignal);
  return { signal: controller.signal, happened: happened.promise };
}
