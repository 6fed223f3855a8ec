import type { Actor } from '../domain/actor.ts';
import type { DigestRecord, DigestStatus, RecipientRecord, RequestRecord, RequestStatus } from '../domain/digest.ts';
import { backpressure, badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseText } from '../domain/names.ts';
import { effectiveWindow } from '../domain/schedule/effective-window.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { digestOperators, findDigestFor, findRecipientFor, findRequestFor } from './access.ts';
import type { DigestStore } from './digest-store.ts';
import { windowsOf } from './windows-of.ts';

const flushDigest = loadStatement('flush-digest');
const skipDigest = loadStatement('skip-digest');
const resendDigest = loadStatement('resend-digest');
const pauseDigests = loadStatement('pause-digests');
const resumeDigests = loadStatement('resume-digests');
const cancelRequest = loadStatement('cancel-request');
const cancelFollowUp = loadStatement('cancel-follow-up');
const readMoment = loadStatement('read-moment');
const windowTriesMax = 5;

export interface DigestActInput {
  readonly digestId: string;
  readonly reason?: string | null;
}

export interface PauseDigestsInput {
  readonly providerId: string;
  readonly reason?: string | null;
  readonly until?: Date | null;
}

export interface RequestActInput {
  readonly requestId: string;
  readonly reason?: string | null;
}

/** What was asked for was done, or the digest stands so that it cannot be. */
export type DigestActResult =
  | { readonly kind: 'done'; readonly digest: DigestRecord }
  | { readonly kind: 'refused'; readonly status: DigestStatus };

export type RequestActResult =
  | { readonly kind: 'done'; readonly request: RequestRecord }
  | { readonly kind: 'refused'; readonly status: RequestStatus };

export interface OperateDependencies {
  readonly shard: Shard;
  readonly store: DigestStore;
  readonly announcer: Announcer;
}

type Asker = Actor | undefined;

/** What people do to digests by hand. Each throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`. */
export interface DigestOperations {
  /** Ends an open digest's window now. */
  readonly flushDigest: (actor: Asker, input: DigestActInput) => Promise<DigestActResult>;
  /** Lets a window pass without a mail: what it holds goes with the next one. */
  readonly skipDigest: (actor: Asker, input: DigestActInput) => Promise<DigestActResult>;
  /** Sends a digest once more that was sent or failed. */
  readonly resendDigest: (actor: Asker, input: DigestActInput) => Promise<DigestActResult>;
  /** Stops the digests of a provider or customer. What comes meanwhile waits. */
  readonly pauseDigests: (actor: Asker, input: PauseDigestsInput) => Promise<RecipientRecord>;
  /** Lets them go again, after a pause or when mail bounced. */
  readonly resumeDigests: (actor: Asker, input: Omit<PauseDigestsInput, 'until'>) => Promise<RecipientRecord>;
  /** Takes a request out of its digest; one that was sent goes once more, as cancelled. */
  readonly cancelRequest: (actor: Asker, input: RequestActInput) => Promise<RequestActResult>;
  /** Lets a request be: no reminders, no closing. */
  readonly cancelFollowUp: (actor: Asker, input: RequestActInput) => Promise<RequestActResult>;
}

export function createDigestOperations({ shard, store, announcer }: OperateDependencies): DigestOperations {
  const readNow = async (): Promise<number> =>
    toDate((await shard.run<{ at: string }>(readMoment, []))[0]!.at).getTime();
  const told = async (done: boolean, digestId: string): Promise<DigestActResult> => {
    if (done) announcer.eventsWritten();
    const digest = await store.getDigest(digestId);
    return done ? { kind: 'done', digest } : { kind: 'refused', status: digest.status };
  };
  return {
    async flushDigest(actor, input) {
      const digest = await findDigestFor(store, actor, 'input.digestId', input.digestId, digestOperators);
      const rows = await shard.run<{ done: boolean }>(flushDigest, [digest.id, actor!.subject]);
      return told(rows[0]!.done, digest.id);
    },
    async skipDigest(actor, input) {
      const digest = await findDigestFor(store, actor, 'input.digestId', input.digestId, digestOperators);
      const reason = parseReason(input.reason);
      for (let tries = 0; tries < windowTriesMax; tries++) {
        const recipient = await store.getRecipient(digest.recipientId);
        if (recipient.windows === null) return told(false, digest.id);
        const { windowEnd } = await store.getDigest(digest.id);
        const next = effectiveWindow(recipient.windows, Math.max(windowEnd.getTime(), await readNow()));
        const rows = await shard.run<{ outcome: string }>(skipDigest, [
          digest.id,
          actor!.subject,
          reason,
          recipient.version,
          new Date(Math.max(next.start, windowEnd.getTime())).toISOString(),
          new Date(next.end).toISOString(),
        ]);
        const { outcome } = rows[0]!;
        if (outcome !== 'window') return told(outcome === 'skipped', digest.id);
      }
      throw backpressure(100);
    },
    async resendDigest(actor, input) {
      const digest = await findDigestFor(store, actor, 'input.digestId', input.digestId, digestOperators);
      const values = [digest.id, actor!.subject, parseReason(input.reason)];
      const rows = await shard.run<{ done: boolean }>(resendDigest, values);
      return told(rows[0]!.done, digest.id);
    },
    async pauseDigests(actor, input) {
      const recipient = await findRecipientFor(store, actor, 'input.providerId', input.providerId, digestOperators);
      const until = input.until ?? null;
      if (until !== null && until.getTime() <= (await readNow()))
        throw badInput('input.until', 'must be in the future');
      await shard.run(pauseDigests, [
        recipient.id,
        until?.toISOString() ?? null,
        parseReason(input.reason),
        actor!.subject,
      ]);
      store.forgetProvider(recipient.namespace, recipient.externalId);
      return store.getRecipient(recipient.id);
    },
    async resumeDigests(actor, input) {
      const recipient = await findRecipientFor(store, actor, 'input.providerId', input.providerId, digestOperators);
      await shard.run(resumeDigests, [recipient.id, actor!.subject, parseReason(input.reason)]);
      store.forgetProvider(recipient.namespace, recipient.externalId);
      return store.getRecipient(recipient.id);
    },
    async cancelRequest(actor, input) {
      const wanted = ['producer', 'supervisor', 'operator'] as const;
      const request = await findRequestFor(store, actor, 'input.requestId', input.requestId, wanted);
      const reason = parseReason(input.reason);
      for (let tries = 0; tries < windowTriesMax; tries++) {
        const provider = await store.getRecipient(request.providerId);
        const windows = windowsOf([provider], await readNow());
        const rows = await shard.run<{ outcome: string }>(cancelRequest, [
          request.id,
          actor!.subject,
          reason,
          provider.version,
          windows.starts[0],
          windows.ends[0],
        ]);
        const { outcome } = rows[0]!;
        if (outcome === 'window') continue;
        announcer.eventsWritten();
        const now = await store.getRequest(request.id);
        return outcome === 'cancelled' ? { kind: 'done', request: now } : { kind: 'refused', status: now.status };
      }
      throw backpressure(100);
    },
    async cancelFollowUp(actor, input) {
      const wanted = ['producer', 'supervisor', 'operator'] as const;
      const request = await findRequestFor(store, actor, 'input.requestId', input.requestId, wanted);
      const rows = await shard.run(cancelFollowUp, [request.id]);
      const now = await store.getRequest(request.id);
      return rows.length === 1 ? { kind: 'done', request: now } : { kind: 'refused', status: now.status };
    },
  };
}

function parseReason(reason: string | null | undefined): string | null {
  if (reason == null || reason.trim() === '') return null;
  return parseText('input.reason', reason, { charactersMax: limits.reasonCharacters, lines: true });
}
