import type { RecipientRecord } from '../domain/digest.ts';
import { effectiveWindow } from '../domain/schedule/effective-window.ts';
import type { Window } from '../domain/schedule/schedule.ts';

/** The last window that was worked out for a recipient, as it was read: most of what comes falls into it, too. */
const latest = new WeakMap<RecipientRecord, Window>();

/** Recipients with the windows of a moment, as statements take them that open digests. */
export interface RecipientWindows {
  readonly ids: readonly string[];
  readonly versions: readonly number[];
  readonly starts: readonly (string | null)[];
  readonly ends: readonly (string | null)[];
}

/** @param moment milliseconds since 1970; the statement refuses what does not hold any more by the database's clock */
export function windowsOf(recipients: readonly RecipientRecord[], moment: number): RecipientWindows {
  const windows = recipients.map((recipient) => windowOf(recipient, moment));
  return {
    ids: recipients.map((recipient) => recipient.id),
    versions: recipients.map((recipient) => recipient.version),
    starts: windows.map((window) => toText(window?.start)),
    ends: windows.map((window) => toText(window?.end)),
  };
}

function windowOf(recipient: RecipientRecord, moment: number): Window | undefined {
  if (recipient.windows === null) return undefined;
  const known = latest.get(recipient);
  if (known !== undefined && known.start <= moment && moment < known.end) return known;
  const window = effectiveWindow(recipient.windows, moment);
  latest.set(recipient, window);
  return window;
}

function toText(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}
