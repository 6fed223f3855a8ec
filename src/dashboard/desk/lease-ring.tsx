import { useEffect, useState } from 'preact/hooks';
import { classes } from '../parts/classes.ts';
import { formatLeft } from '../parts/times.tsx';
import type { LeaseClock } from './lease-clock.ts';
import { leftOf } from './lease-clock.ts';

const radius = 15;
const round = 2 * Math.PI * radius;
/** The last part of a lease, in which it asks for attention. */
export const lastPart = 0.2;

/** The time that is left, as a ring that empties. */
export function LeaseRing({ clock }: { readonly clock: LeaseClock }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  const left = leftOf(clock);
  const part = Math.min(1, left / clock.lengthMilliseconds);
  const near = part <= lastPart;
  return (
    <div
      class={classes('ring', near && 'ring-near')}
      role="timer"
      aria-label={`Your lease ends in ${formatLeft(left)}`}
    >
      <svg viewBox="0 0 36 36" aria-hidden="true">
        <circle cx="18" cy="18" r={radius} class="ring-ground" />
        <circle
          cx="18"
          cy="18"
          r={radius}
          class="ring-left"
          stroke-dasharray={round}
          stroke-dashoffset={round * (1 - part)}
        />
      </svg>
      <span class="ring-text">{formatLeft(left)}</span>
    </div>
  );
}
