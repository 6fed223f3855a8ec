import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface ChartLine {
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
}

const heightPixels = 200;
/** Shown at least, so that a new chart does not stretch two points over its width. */
const shownSecondsMin = 120;
const stepsSeconds = [10, 30, 60, 300, 600, 1_800, 3_600];
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Lines over time. What it shows stands in numbers beside it too. */
export function Chart({ label, times, lines }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = [times, ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  const names = lines.map(({ name }) => name).join();
  useEffect(() => {
    const element = place.current!;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(describe(element, lines), latest.current, element);
    };
    draw();
    dark.addEventListener('change', draw);
    const observer = new ResizeObserver(([entry]) => {
      plot.current?.setSize({ width: Math.floor(entry!.contentRect.width), height: heightPixels });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
    };
  }, [names]);
  useEffect(() => plot.current?.setData(data), [times.length, times.at(-1)]);
  return <div ref={place} class="chart" role="img" aria-label={label} />;
}

function describe(element: HTMLElement, lines: readonly ChartLine[]): uPlot.Options {
  const style = getComputedStyle(element);
  const text = style.getPropertyValue('color');
  const colour = (name: string): string => resolveColour(element, name);
  const axis = {
    stroke: text,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: `12px ${style.fontFamily}`,
  };
  return {
    width: element.clientWidth,
    height: heightPixels,
    cursor: { points: { show: false }, drag: { x: false, y: false } },
    legend: { live: false },
    scales: {
      x: { range: (_plot, min, max) => [Math.min(min, max - shownSecondsMin), max] },
      y: { range: (_plot, _min, max) => [0, Math.max(4, (max ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        incrs: stepsSeconds,
        space: 90,
        values: (_plot, splits) => splits.map((seconds) => clock.format(seconds * 1_000)),
      },
      { ...axis, size: 52 },
    ],
    series: [
      {},
      ...lines.map((line) => ({ label: line.name, stroke: colour(line.colour), width: 2, points: { show: false } })),
    ],
  };
}

/** A canvas does not know `light-dark()`; an element does. */
function resolveColour(element: HTMLElement, property: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
