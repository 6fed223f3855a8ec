import { useEffect, useRef } from 'preact/hooks';
import { connection } from './connection.ts';

interface RefreshPace {
  /** After a first sign of change it waits this long for others. */
  readonly burstMilliseconds: number;
  /** Without any sign it looks this often. */
  readonly everyMilliseconds: number;
}

/**
 * Asks again after bursts of changes, when the connection is back, and now and then.
 * @returns what is to be called at a sign of change
 */
export function useRefresh(ask: () => void, pace: RefreshPace): () => void {
  const latest = useRef(ask);
  latest.current = ask;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const soon = (): void => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, pace.burstMilliseconds);
  };
  useEffect(() => {
    const interval = setInterval(() => latest.current(), pace.everyMilliseconds);
    // Between the first answer and the first update there is a moment that neither tells of.
    const stopListening = connection.listen(() => {
      if (connection.get().kind === 'live' || connection.get().kind === 'back') soon();
    });
    return () => {
      clearInterval(interval);
      clearTimeout(timer.current);
      stopListening();
    };
  }, []);
  return soon;
}
