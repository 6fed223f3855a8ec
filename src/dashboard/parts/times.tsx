import { createStore, useStore } from '../store.ts';

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const stamp = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const ticks = createStore(0);
setInterval(() => ticks.set(ticks.get() + 1), 10_000);

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** How long ago something was, kept up to date; the exact time is its title. */
export function Ago({ at }: { readonly at: string }) {
  useStore(ticks);
  const date = new Date(at);
  return (
    <time dateTime={at} title={exact.format(date)}>
      {formatAgo(date)}
    </time>
  );
}

export function formatAgo(date: Date): string {
  const seconds = Math.round((date.getTime() - Date.now()) / 1_000);
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  if (unit === 'second')
    return Math.abs(seconds) < 10 ? 'just now' : relative.format(Math.ceil(seconds / 10) * 10, unit);
  return relative.format(Math.trunc(seconds / length), unit);
}

/** How long something has lasted. */
export function formatSince(since: Date): string {
  return formatLength(Math.max(0, (Date.now() - since.getTime()) / 1_000));
}

/** A length of time in its largest unit. */
export function formatLength(exactSeconds: number): string {
  const seconds = Math.round(exactSeconds);
  const [unit, length] = units.find(([, size]) => seconds >= size) ?? ['second', 1];
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short' }).format(
    Math.trunc(seconds / length),
  );
}

/** The exact time, as short as it gets. */
export function formatStamp(at: string): string {
  return stamp.format(new Date(at));
}

export function formatExact(at: string): string {
  return exact.format(new Date(at));
}

/** Hours and minutes. */
export function formatClock(at: string): string {
  return clock.format(new Date(at));
}

/** Minutes and seconds, or hours and minutes when it is long. */
export function formatLeft(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds >= 3_600) return `${Math.floor(seconds / 3_600)} h ${two(Math.floor((seconds % 3_600) / 60))}`;
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}
