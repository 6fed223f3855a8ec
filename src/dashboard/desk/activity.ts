import { useEffect, useRef } from 'preact/hooks';

const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'scroll', 'touchstart'] as const;

/** Whether somebody is at work here. @returns milliseconds since the last sign of life */
export function useActivity(): () => number {
  const last = useRef(performance.now());
  useEffect(() => {
    const note = (): void => {
      last.current = performance.now();
    };
    const options = { capture: true, passive: true };
    for (const sign of signs) document.addEventListener(sign, note, options);
    return () => {
      for (const sign of signs) document.removeEventListener(sign, note, options);
    };
  }, []);
  return () => performance.now() - last.current;
}
