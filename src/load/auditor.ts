import { randomUUID } from 'node:crypto';
import type { Verdict } from '../domain/case.ts';
import type { LoadClient } from './load-client.ts';
import { pause } from './load-client.ts';
import type { HeldLease } from './operations.ts';
import { claimOperation, decideOperation, extendOperation, releaseOperation } from './operations.ts';
import type { Random } from './random.ts';

/** How auditors behave besides deciding: shares of the cases that they are handed, from 0 to 1. */
export interface Habits {
  /** Extend their lease once before they decide. */
  readonly extends: number;
  /** Give the case back. */
  readonly releases: number;
  /** Sit on the case until their lease has ended, and decide then. */
  readonly dawdles: number;
  /** Send their decision twice at the same moment, under one key. */
  readonly doubles: number;
}

export interface AuditorOptions {
  readonly client: LoadClient;
  readonly namespace: string;
  readonly topic: string;
  readonly waitMs: number;
  readonly leaseSeconds: number;
  readonly habits: Habits;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onDecided: (caseId: string) => void;
}

/** An answer must come within the time of the long poll and this; a decision within this. */
const answerMs = 15_000;
/** How long past its end a dawdler keeps a lease: long enough that somebody else may have the case by then. */
const dawdleMs = 400;

/** Claims and decides one case after the other, until the run is over. */
export async function runAuditor(options: AuditorOptions): Promise<void> {
  while (!options.signal.aborted) {
    const held = await claimNext(options);
    if (held !== undefined) await workOn(held, options);
  }
}

async function claimNext({
  client,
  namespace,
  topic,
  waitMs,
  leaseSeconds,
  signal,
}: AuditorOptions): Promise<HeldLease | undefined> {
  const operation = claimOperation(namespace, topic, waitMs, leaseSeconds);
  const result = await client.ask({ verb: 'claim', operation, timeoutMs: waitMs + answerMs });
  // ClaimLimitReached too: an answer got lost, and here is the case that it told of.
  const held = result.leases[0];
  if (held === undefined && waitMs < (result.retryAfterMs ?? 0)) await pause(result.retryAfterMs!, signal);
  return held;
}

async function workOn(held: HeldLease, options: AuditorOptions): Promise<void> {
  const { client, habits, random, leaseSeconds, signal } = options;
  const choice = random();
  const { caseId, lease } = held;
  if (choice < habits.releases) {
    await client.ask({
      verb: 'release',
      operation: releaseOperation(held, 'Needs another pair of eyes.'),
      timeoutMs: answerMs,
      caseId,
      lease,
    });
    return;
  }
  if (choice < habits.releases + habits.dawdles) {
    await pause(lease.expiresAtMs - lease.serverTimeMs + dawdleMs, signal);
  } else if (choice < habits.releases + habits.dawdles + habits.extends) {
    const operation = extendOperation(held, leaseSeconds);
    const extended = await client.ask({ verb: 'extend', operation, timeoutMs: answerMs, caseId, lease });
    if (extended.type === 'LeaseLost') return;
  }
  await decide(held, options);
}

async function decide(held: HeldLease, { client, habits, random, onDecided }: AuditorOptions): Promise<void> {
  const verdict: Verdict = random() < 0.8 ? 'APPROVE' : 'REJECT';
  const key = randomUUID();
  const { caseId, lease } = held;
  const wish = {
    verb: 'decide',
    operation: decideOperation(held, verdict, key),
    timeoutMs: answerMs,
    key,
    caseId,
    lease,
    verdict,
  } as const;
  const results = await Promise.all(
    random() < habits.doubles ? [client.ask(wish), client.ask(wish)] : [client.ask(wish)],
  );
  // A lost lease is dropped: whoever holds the case now decides it.
  for (const { type } of results) if (type === 'CaseDecided' || type === 'AlreadyDecided') onDecided(caseId);
}
