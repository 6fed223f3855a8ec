import type { Findings } from '../findings.ts';
import type { Disturbance, History, Told } from '../history.ts';
import type { Ledger } from '../ledger.ts';
import type { CaseTrail } from './check-leases.ts';

export interface StuckRule {
  /** How long a case that is free may stay unclaimed while somebody who may take it waits. */
  readonly freeMsMax: number;
  /** How long after a server came back nothing is held against anybody. */
  readonly recoveryMs: number;
}

export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Pauses between two claims of a client that count as waiting all the same. */
const pauseMsMax = 2_000;

/**
 * A case that nobody holds must not lie there while a claimer who may take it waits and gets nothing: a lost ticket, a
 * lease that nobody ended. Counted from the end of the lease, not from when somebody noticed it.
 */
export function checkStuck(
  history: History,
  ledger: Ledger,
  trails: ReadonlyMap<string, CaseTrail>,
  rule: StuckRule,
  findings: Findings,
): void {
  const offsetMs = estimateOffset(history.told);
  const waits = findWaits(history.told);
  for (const trail of trails.values()) {
    for (const free of findFree(trail, ledger.readAtMicros, offsetMs)) {
      if (free.toMs - free.fromMs <= rule.freeMsMax) continue;
      const worst = findLongestWait(free, waits, history.disturbances, rule);
      if (worst !== undefined) {
        findings.add(
          'stuck',
          trail.caseId,
          `was free for ${Math.round(worst.toMs - worst.fromMs)} ms while ${worst.client} waited for a case`,
        );
      }
    }
  }
}

/** What the database's clock is ahead of the driver's, from the answer that took the least time. */
function estimateOffset(told: readonly Told[]): number {
  let best: Told | undefined;
  for (const entry of told) {
    if (entry.verb !== 'claim' || entry.answer !== 'CaseClaimed' || entry.lease === null) continue;
    if (best === undefined || entry.endedMs - entry.startedMs < best.endedMs - best.startedMs) best = entry;
  }
  return best === undefined ? 0 : best.lease!.serverTimeMs - (best.startedMs + best.endedMs) / 2;
}

/** Stretches in which a client asked for a case again and again and got none. */
function findWaits(told: readonly Told[]): ReadonlyMap<string, readonly Interval[]> {
  const waits = new Map<string, Interval[]>();
  const claims = Map.groupBy(
    told.filter((entry) => entry.verb === 'claim'),
    (entry) => entry.client,
  );
  for (const [client, entries] of claims) {
    const stretches: { fromMs: number; toMs: number }[] = [];
    let open: { fromMs: number; toMs: number } | undefined;
    for (const entry of entries.sort((a, b) => a.startedMs - b.startedMs)) {
      if (open !== undefined && entry.startedMs - open.toMs <= pauseMsMax) open.toMs = entry.endedMs;
      else {
        open = { fromMs: entry.startedMs, toMs: entry.endedMs };
        stretches.push(open);
      }
      if (entry.lease !== null) open = undefined;
    }
    waits.set(client, stretches);
  }
  return waits;
}

/** A time in which nobody held it. */
export interface FreeInterval extends Interval {
  /** Who is never offered the case in this time. */
  readonly excluded: ReadonlySet<string>;
}

function findFree(trail: CaseTrail, readAtMicros: number, offsetMs: number): FreeInterval[] {
  const free: FreeInterval[] = [];
  const toMs = (micros: number): number => micros / 1_000 - offsetMs;
  const excluded = new Set<string>();
  let freeFrom = trail.registered?.atMicros;
  if (trail.registered !== undefined) excluded.add(trail.registered.actor);
  for (const span of trail.spans) {
    if (freeFrom !== undefined)
      free.push({ fromMs: toMs(freeFrom), toMs: toMs(span.fromMicros), excluded: new Set(excluded) });
    excluded.add(span.holder);
    freeFrom = span.endedBy === 'decision' ? undefined : span.untilMicros;
  }
  if (freeFrom !== undefined && freeFrom < readAtMicros) {
    free.push({ fromMs: toMs(freeFrom), toMs: toMs(readAtMicros), excluded });
  }
  return free;
}

/** The longest that somebody who might have it waited in vain, longer than the rule allows; undefined when nobody did. */
export function findLongestWait(
  free: FreeInterval,
  waits: ReadonlyMap<string, readonly Interval[]>,
  disturbances: readonly Disturbance[],
  rule: StuckRule,
): (Interval & { readonly client: string }) | undefined {
  let worst: (Interval & { readonly client: string }) | undefined;
  for (const [client, intervals] of waits) {
    if (free.excluded.has(client)) continue;
    for (const wait of intervals) {
      for (const part of cutOut(intersect(free, wait), disturbances, rule.recoveryMs)) {
        const length = part.toMs - part.fromMs;
        if (length > rule.freeMsMax && length > (worst === undefined ? 0 : worst.toMs - worst.fromMs))
          worst = { ...part, client };
      }
    }
  }
  return worst;
}

function intersect(a: Interval, b: Interval): Interval {
  return { fromMs: Math.max(a.fromMs, b.fromMs), toMs: Math.min(a.toMs, b.toMs) };
}

/** What is left of an interval without the times in which servers were down or had just come back. */
function cutOut(whole: Interval, disturbances: readonly Disturbance[], recoveryMs: number): Interval[] {
  let parts = whole.toMs > whole.fromMs ? [whole] : [];
  for (const disturbance of disturbances) {
    const end = disturbance.toMs + recoveryMs;
    parts = parts.flatMap((part) => {
      if (end <= part.fromMs || disturbance.fromMs >= part.toMs) return [part];
      return [
        { fromMs: part.fromMs, toMs: disturbance.fromMs },
        { fromMs: end, toMs: part.toMs },
      ].filter((rest) => rest.toMs > rest.fromMs);
    });
  }
  return parts;
}
