import { useState } from 'preact/hooks';
import { useKeys } from '../keys/use-keys.ts';

const steps: readonly number[] = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];

/** How large a document is shown, and how it is turned. 1 fits the width. */
export interface Zoom {
  readonly factor: number;
  readonly turn: number;
  larger(): void;
  smaller(): void;
  fit(): void;
  turnOn(): void;
}

export function useZoom(): Zoom {
  const [factor, setFactor] = useState(1);
  const [turn, setTurn] = useState(0);
  const zoom: Zoom = {
    factor,
    turn,
    larger: () => setFactor(steps.find((step) => step > factor) ?? factor),
    smaller: () => setFactor(steps.findLast((step) => step < factor) ?? factor),
    fit: () => setFactor(1),
    turnOn: () => setTurn((turn + 90) % 360),
  };
  useKeys({ '+': zoom.larger, '=': zoom.larger, '-': zoom.smaller, '0': zoom.fit, t: zoom.turnOn });
  return zoom;
}
