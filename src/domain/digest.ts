import type { ScheduleChange } from './schedule/effective-window.ts';

/**
 * RECEIVED waits in a provider's window, NOTIFIED was sent to its provider, ANSWERED has an answer that its customer has
 * not got yet, CUSTOMER_NOTIFIED is done. OVERDUE: the time for an answer is over; CLOSED: nobody waits any more.
 * `sql/functions/request_status.sql` tells it from the row.
 */
export const requestStatuses = [
  'RECEIVED',
  'NOTIFIED',
  'ANSWERED',
  'CUSTOMER_NOTIFIED',
  'OVERDUE',
  'CLOSED',
  'CANCELLED',
] as const;
export type RequestStatus = (typeof requestStatuses)[number];

export const requestOutcomes = ['AVAILABLE', 'UNAVAILABLE', 'DELAYED', 'ALTERNATIVE'] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

/** Answers as people read them, in mails and on pages. */
export const outcomeWords: Readonly<Record<RequestOutcome, string>> = {
  AVAILABLE: 'available',
  UNAVAILABLE: 'not available',
  DELAYED: 'available later',
  ALTERNATIVE: 'an alternative is offered',
};

/** OPEN takes requests, SEALED has its final content, SENDING has mails under way. SKIPPED sent nothing. */
export const digestStatuses = ['OPEN', 'SEALED', 'SENDING', 'SENT', 'FAILED', 'SKIPPED'] as const;
export type DigestStatus = (typeof digestStatuses)[number];

export const digestDirections = ['TO_PROVIDER', 'TO_CUSTOMER'] as const;
export type DigestDirection = (typeof digestDirections)[number];

export const digestItemKinds = ['REQUEST', 'REMINDER', 'CANCELLED', 'ANSWER', 'FOLLOW_UP', 'CLOSED'] as const;
export type DigestItemKind = (typeof digestItemKinds)[number];

/** What happens in a request's life, in the order in which it may. */
export const requestEventTypes = [
  'RECEIVED',
  'IN_DIGEST',
  'NOTIFIED',
  'ANSWERED',
  'CUSTOMER_NOTIFIED',
  'FOLLOWED_UP',
  'REMINDED',
  'CLOSED',
  'CANCELLED',
] as const;
export type RequestEventType = (typeof requestEventTypes)[number];

export const digestEventTypes = [
  'OPENED',
  'SEALED',
  'SENT',
  'FAILED',
  'SKIPPED',
  'MERGED',
  'HELD',
  'FLUSHED',
  'RESENT',
  'BOUNCED',
] as const;
export type DigestEventType = (typeof digestEventTypes)[number];

export const firstItemRules = ['AT_END', 'AT_ONCE'] as const;
export const catchUpRules = ['MERGE', 'EACH'] as const;

/** A provider or a customer: whoever gets digests. */
export interface RecipientRecord {
  readonly id: string;
  readonly namespace: string;
  readonly kind: 'PROVIDER' | 'CUSTOMER';
  readonly externalId: string;
  readonly name: string | null;
  readonly email: string;
  readonly timeZone: string;
  /** Null: whatever comes goes at once. */
  readonly windows: ScheduleChange | null;
  readonly firstItem: (typeof firstItemRules)[number];
  readonly itemsPerMail: number;
  readonly catchUp: (typeof catchUpRules)[number];
  readonly followUp: { readonly businessDays: boolean; readonly reminders: number; readonly everyDays: number };
  readonly version: number;
  readonly pause: {
    readonly since: Date;
    readonly until: Date | null;
    readonly by: string | null;
    readonly reason: string | null;
  } | null;
  readonly bounce: { readonly at: Date; readonly reason: string | null } | null;
}

export interface RequestRecord {
  readonly id: string;
  readonly namespace: string;
  readonly status: RequestStatus;
  readonly customer: {
    readonly id: string;
    readonly externalId: string;
    readonly email: string;
    readonly name: string | null;
  };
  readonly providerId: string;
  readonly providerExternalId: string;
  readonly item: { readonly externalId: string; readonly description: string | null; readonly quantity: number };
  readonly answerWithinDays: number;
  readonly submittedBy: string;
  readonly submittedAt: Date;
  readonly notifiedAt: Date | null;
  readonly answer: {
    readonly outcome: RequestOutcome;
    readonly note: string | null;
    readonly by: string;
    readonly at: Date;
  } | null;
  readonly customerNotifiedAt: Date | null;
  readonly followUpAt: Date | null;
  readonly followUps: number;
  readonly endReason: string | null;
}

export interface DigestRecord {
  readonly id: string;
  readonly namespace: string;
  readonly recipientId: string;
  readonly direction: DigestDirection;
  readonly status: DigestStatus;
  readonly windowStart: Date;
  readonly windowEnd: Date;
  readonly atOnce: boolean;
  readonly jobId: string;
  readonly number: number | null;
  readonly itemCount: number;
  readonly parts: number | null;
  readonly round: number;
  readonly held: boolean;
  readonly openedAt: Date;
  readonly sealedAt: Date | null;
  readonly sentAt: Date | null;
  readonly mergedInto: string | null;
  readonly failure: string | null;
}

export interface DigestItemRecord {
  readonly requestId: string;
  readonly kind: DigestItemKind;
  readonly round: number;
  readonly part: number;
}
