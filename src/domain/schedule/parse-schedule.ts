import { badInput } from '../errors.ts';
import { limits } from '../limits.ts';
import { openCron } from './boundaries.ts';
import { readDuration } from './duration.ts';
import { isTimeZone } from './local-time.ts';
import type { QuietHours, Rhythm, Schedule } from './schedule.ts';

export interface RhythmInput {
  /** An ISO 8601 duration (`PT4H`), or a cron expression of five fields. */
  readonly every?: string | null;
  readonly cron?: string | null;
  /** `08:00`, or with a date `2026-01-05T08:00`: a local time at which a window ends. */
  readonly anchor?: string | null;
}

export interface QuietHoursInput {
  readonly from: string;
  readonly to: string;
}

/** A Monday, so that weeks without an anchor end on Sunday at midnight. */
const defaultAnchor = Date.UTC(2024, 0, 1);

/**
 * Takes a schedule from outside.
 * @throws Fault `BAD_USER_INPUT` naming the field under `input`
 */
export function parseSchedule(
  timeZone: string,
  window: RhythmInput,
  quietHours: QuietHoursInput | null | undefined,
): Schedule {
  return {
    timeZone: parseTimeZone('input.timeZone', timeZone),
    rhythm: parseRhythm('input.window', window),
    quietHours: quietHours == null ? null : parseQuietHours('input.quietHours', quietHours),
  };
}

/** @throws Fault `BAD_USER_INPUT` unless it is a zone's name as `Europe/Vienna` */
export function parseTimeZone(field: string, name: string): string {
  if (!isTimeZone(name)) throw badInput(field, "must be the name of a time zone, for instance 'Europe/Vienna'");
  return name;
}

/** @throws Fault `BAD_USER_INPUT` unless it is either a duration or a cron expression that comes again and again */
export function parseRhythm(field: string, { every, cron, anchor }: RhythmInput): Rhythm {
  if ((every == null) === (cron == null)) throw badInput(field, 'needs either every or cron');
  if (every?.startsWith('P') === true) {
    const milliseconds = readDuration(every);
    const [min, max] = [limits.digestWindowSecondsMin * 1_000, limits.digestWindowSecondsMax * 1_000];
    if (milliseconds === undefined || milliseconds < min || milliseconds > max)
      throw badInput(`${field}.every`, "must be a duration from one second to 31 days, for instance 'PT4H'");
    return { kind: 'interval', milliseconds, anchor: anchor == null ? defaultAnchor : parseAnchor(field, anchor) };
  }
  if (anchor != null) throw badInput(`${field}.anchor`, 'goes with a duration, not with a cron expression');
  const place = every == null ? `${field}.cron` : `${field}.every`;
  return { kind: 'cron', expression: parseCron(place, (every ?? cron)!) };
}

function parseCron(field: string, text: string): string {
  const expression = text.trim().replaceAll(/\s+/g, ' ');
  const reason = "must be a cron expression of five fields, for instance '0 8,12,16 * * MON-FRI'";
  if (expression.length > 100 || expression.split(' ').length !== 5) throw badInput(field, reason);
  let next: Date | null;
  try {
    next = openCron(expression).nextRun(new Date(defaultAnchor));
  } catch {
    throw badInput(field, reason);
  }
  // From the anchor's leap year on: what does not come within these years never does.
  if (next === null || openCron(expression).nextRun(next) === null) throw badInput(field, 'never comes');
  return expression;
}

function parseAnchor(field: string, text: string): number {
  const full = /^\d{4}-\d{2}-\d{2}T/.test(text) ? text : `2024-01-01T${text}`;
  const match = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?$/.exec(full);
  const wall = match === null ? Number.NaN : Date.parse(`${full}Z`);
  // Date.parse takes the 30th of February for a day in March.
  if (Number.isNaN(wall) || !new Date(wall).toISOString().startsWith(match![1]!))
    throw badInput(`${field}.anchor`, "must be a local time, '08:00' or '2026-01-05T08:00'");
  return wall;
}

function parseQuietHours(field: string, { from, to }: QuietHoursInput): QuietHours {
  const hours = { from: parseTimeOfDay(`${field}.from`, from), to: parseTimeOfDay(`${field}.to`, to) };
  if (hours.from === hours.to) throw badInput(field, 'must leave some hours of the day');
  return hours;
}

function parseTimeOfDay(field: string, text: string): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) throw badInput(field, "must be a time of day, for instance '22:00'");
  return Number(match[1]) * 60 + Number(match[2]);
}
