import { useEffect, useState } from 'preact/hooks';

/** The room within an element, in CSS pixels. @param when the element may be another one when this changes */
export function useWidth(place: { readonly current: HTMLElement | null }, when: unknown): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [when]);
  return width;
}
