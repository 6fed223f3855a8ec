import { plural } from '../parts/words.ts';

interface Rhythm {
  readonly every: string | null;
  readonly cron: string | null;
  readonly anchor?: string | null;
}

/** When something comes again, as people say it. */
export function describeRhythm({ every, cron, anchor }: Rhythm): string {
  if (cron !== null) return `cron ${cron}`;
  return `every ${inPlainWords(every ?? '–')}${anchor == null ? '' : ` from ${anchor}`}`;
}

/** `PT4H` as "4 hours"; what is put together of several units stays as it is. */
function inPlainWords(duration: string): string {
  const match = /^P(?:(\d+)([DW])|T(\d+)([HMS]))$/.exec(duration);
  const units: Readonly<Record<string, string>> = { D: 'day', W: 'week', H: 'hour', M: 'minute', S: 'second' };
  const unit = units[match?.[2] ?? match?.[4] ?? ''];
  return unit === undefined ? duration : plural(Number(match![1] ?? match![3]), unit);
}
