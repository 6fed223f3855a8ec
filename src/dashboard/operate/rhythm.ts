import { plural } from '../parts/words.ts';

interface Rhythm {
  readonly every: string | null;
  readonly cron: string | null;
  readonly anchor?: string | null;
}

/** When something comes again, as people say it. */
export function describeRhythm({ every, cron, anchor }: Rhythm): string {
  if (cron !== null) return `cron ${cron}`;
  // An anchor is a time of day, or a moment of which only that counts.
  const from = anchor?.replace(/^.*T/, '').slice(0, 5) ?? '00:00';
  return `every ${inPlainWords(every ?? '–')}${from === '00:00' ? '' : ` from ${from}`}`;
}

/** `PT4H` as "4 hours"; what is put together of several units stays as it is. */
function inPlainWords(duration: string): string {
  const match = /^P(?:(\d+)([DW])|T(\d+)([HMS]))$/.exec(duration);
  const units: Readonly<Record<string, string>> = { D: 'day', W: 'week', H: 'hour', M: 'minute', S: 'second' };
  const unit = units[match?.[2] ?? match?.[4] ?? ''];
  return unit === undefined ? duration : plural(Number(match![1] ?? match![3]), unit);
}
