import { useEffect, useRef, useState } from 'preact/hooks';
import { useActivity } from './activity.ts';
import type { HeldCase } from './held-case.ts';
import { leftOf } from './lease-clock.ts';
import { lastPart } from './lease-ring.tsx';
import type { DeskActions } from './use-desk.ts';

/** A lease that is shorter than this part of its length is extended, while somebody works. */
const extendBelow = 0.6;
const lookMilliseconds = 1_000;
const idleMillisecondsMax = 120_000;

/**
 * Extends the lease by itself while the auditor works, and stops when nothing has happened for two minutes, or for a
 * third of a short lease: a case must not stay with somebody who has left.
 * @returns whether the auditor seems to be away and the lease is near its end
 */
export function useAutoExtend(held: HeldCase, actions: DeskActions): boolean {
  const idleFor = useActivity();
  const [away, setAway] = useState(false);
  const latest = useRef({ held, actions, busy: false });
  latest.current.held = held;
  latest.current.actions = actions;
  useEffect(() => {
    const timer = setInterval(() => {
      const now = latest.current;
      const { lengthMilliseconds } = now.held.clock;
      const part = leftOf(now.held.clock) / lengthMilliseconds;
      const isIdle = idleFor() > Math.min(idleMillisecondsMax, lengthMilliseconds / 3);
      setAway(isIdle && part <= lastPart);
      if (isIdle || part > extendBelow || part <= 0 || now.busy || now.held.latestEnd !== undefined) return;
      now.busy = true;
      void now.actions.extend().finally(() => {
        now.busy = false;
      });
    }, lookMilliseconds);
    return () => clearInterval(timer);
  }, []);
  return away;
}
