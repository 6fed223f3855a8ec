import type { ReplayPlan } from './plan-replay.ts';

/** A digest as the system tells of it. */
export interface SeenDigest {
  readonly key: string;
  readonly status: string;
  readonly parts: number;
  /** The lines of the file that are in it. */
  readonly lines: readonly number[];
  /** Mails that were written down for it, by their status. */
  readonly mails: readonly string[];
}

export interface Comparison {
  readonly requests: number;
  readonly digestsExpected: number;
  readonly digestsSent: number;
  readonly mails: number;
  /** What differs from the calculation, in words; empty when all is as it has to be. */
  readonly differences: readonly string[];
}

/** Holds what came against what the calculation says, to the last request. */
export function compareDigests(plan: ReplayPlan, seen: readonly SeenDigest[]): Comparison {
  const differences: string[] = [];
  const withContent = seen.filter((digest) => digest.lines.length > 0);
  const places = new Map<number, string[]>();
  for (const digest of withContent)
    for (const line of digest.lines) places.set(line, [...(places.get(line) ?? []), digest.key]);
  for (const [key, lines] of plan.digests) {
    for (const line of lines) {
      const at = places.get(line) ?? [];
      if (at.length === 0) differences.push(`the request of line ${line} is in no digest`);
      else if (at.length > 1) differences.push(`the request of line ${line} is in several: ${at.join(', ')}`);
      else if (at[0] !== key) differences.push(`the request of line ${line} is in ${at[0]} instead of ${key}`);
    }
  }
  const counts = Map.groupBy(withContent, (digest) => digest.key);
  for (const key of plan.digests.keys()) if (!counts.has(key)) differences.push(`there is no digest ${key}`);
  for (const [key, digests] of counts) {
    if (!plan.digests.has(key)) differences.push(`the digest ${key} should not be there`);
    if (digests.length > 1) differences.push(`there are ${digests.length} digests ${key}`);
  }
  for (const { key, status, parts, mails } of withContent) {
    if (status !== 'SENT') differences.push(`the digest ${key} is ${status}`);
    const sent = mails.filter((mail) => mail === 'SENT').length;
    if (sent !== parts || mails.length !== parts)
      differences.push(`the digest ${key} has ${parts} parts and ${mails.length} mails, ${sent} of them sent`);
  }
  return {
    requests: places.size,
    digestsExpected: plan.digests.size,
    digestsSent: withContent.filter((digest) => digest.status === 'SENT').length,
    mails: withContent.reduce((sum, digest) => sum + digest.mails.length, 0),
    differences,
  };
}
