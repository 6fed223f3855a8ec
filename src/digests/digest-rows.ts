import type {
  DigestDirection,
  DigestItemKind,
  DigestItemRecord,
  DigestRecord,
  DigestStatus,
  RecipientRecord,
  RequestOutcome,
  RequestRecord,
  RequestStatus,
} from '../domain/digest.ts';
import type { Rhythm, Schedule } from '../domain/schedule/schedule.ts';
import { toDate } from '../postgres/sql.ts';

export interface RequestRow {
  readonly id: string;
  readonly namespace: string;
  readonly status: RequestStatus;
  readonly item_external_id: string;
  readonly item_description: string | null;
  readonly quantity: number;
  readonly answer_within_days: number;
  readonly submitted_by: string;
  readonly submitted_at: string;
  readonly notified_at: string | null;
  readonly outcome: RequestOutcome | null;
  readonly note: string | null;
  readonly answered_by: string | null;
  readonly answered_at: string | null;
  readonly customer_notified_at: string | null;
  readonly follow_up_at: string | null;
  readonly follow_ups: number;
  readonly end_reason: string | null;
  readonly customer_id: string;
  readonly customer_external_id: string;
  readonly customer_email: string;
  readonly customer_name: string | null;
  readonly provider_id: string;
  readonly provider_external_id: string;
}

export interface DigestRow {
  readonly id: string;
  readonly namespace: string;
  readonly recipient_id: string;
  readonly direction: DigestDirection;
  readonly status: DigestStatus;
  readonly window_start: string;
  readonly window_end: string;
  readonly at_once: boolean;
  readonly job_id: string;
  readonly number: number | null;
  readonly item_count: number;
  readonly parts: number | null;
  readonly round: number;
  readonly held: boolean;
  readonly opened_at: string;
  readonly sealed_at: string | null;
  readonly sent_at: string | null;
  readonly merged_into: string | null;
  readonly failure: string | null;
}

export interface RecipientRow {
  readonly id: string;
  readonly namespace: string;
  readonly kind: RecipientRecord['kind'];
  readonly external_id: string;
  readonly name: string | null;
  readonly email: string;
  readonly time_zone: string;
  readonly schedule: StoredSchedule | null;
  readonly schedule_since: string | null;
  readonly previous_schedule: StoredSchedule | null;
  readonly first_item: RecipientRecord['firstItem'];
  readonly items_per_mail: number;
  readonly catch_up: RecipientRecord['catchUp'];
  readonly follow_up_business_days: boolean;
  readonly follow_up_reminders: number;
  readonly follow_up_every_days: number;
  readonly version: number;
  readonly paused_at: string | null;
  readonly paused_until: string | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
  readonly bounced_at: string | null;
  readonly bounce_reason: string | null;
}

export interface DigestItemRow {
  readonly request_id: string;
  readonly kind: DigestItemKind;
  readonly round: number;
  readonly part: number;
}

/** A schedule as the record keeps it, with its zone: a change of zone holds from the next window on, too. */
export interface StoredSchedule {
  readonly timeZone: string;
  readonly rhythm: Rhythm;
  readonly quietHours: Schedule['quietHours'];
}

function toOptionalDate(text: string | null): Date | null {
  return text === null ? null : toDate(text);
}

export function toRequest(row: RequestRow): RequestRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    status: row.status,
    customer: {
      id: row.customer_id,
      externalId: row.customer_external_id,
      email: row.customer_email,
      name: row.customer_name,
    },
    providerId: row.provider_id,
    providerExternalId: row.provider_external_id,
    item: { externalId: row.item_external_id, description: row.item_description, quantity: row.quantity },
    answerWithinDays: row.answer_within_days,
    submittedBy: row.submitted_by,
    submittedAt: toDate(row.submitted_at),
    notifiedAt: toOptionalDate(row.notified_at),
    answer:
      row.outcome === null
        ? null
        : { outcome: row.outcome, note: row.note, by: row.answered_by!, at: toDate(row.answered_at!) },
    customerNotifiedAt: toOptionalDate(row.customer_notified_at),
    followUpAt: toOptionalDate(row.follow_up_at),
    followUps: row.follow_ups,
    endReason: row.end_reason,
  };
}

export function toDigest(row: DigestRow): DigestRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    recipientId: row.recipient_id,
    direction: row.direction,
    status: row.status,
    windowStart: toDate(row.window_start),
    windowEnd: toDate(row.window_end),
    atOnce: row.at_once,
    jobId: row.job_id,
    number: row.number,
    itemCount: row.item_count,
    parts: row.parts,
    round: row.round,
    held: row.held,
    openedAt: toDate(row.opened_at),
    sealedAt: toOptionalDate(row.sealed_at),
    sentAt: toOptionalDate(row.sent_at),
    mergedInto: row.merged_into,
    failure: row.failure,
  };
}

export function toRecipient(row: RecipientRow): RecipientRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    kind: row.kind,
    externalId: row.external_id,
    name: row.name,
    email: row.email,
    timeZone: row.time_zone,
    windows:
      row.schedule === null
        ? null
        : {
            schedule: row.schedule,
            since: row.schedule_since === null ? null : toDate(row.schedule_since).getTime(),
            previous: row.previous_schedule,
          },
    firstItem: row.first_item,
    itemsPerMail: row.items_per_mail,
    catchUp: row.catch_up,
    followUp: {
      businessDays: row.follow_up_business_days,
      reminders: row.follow_up_reminders,
      everyDays: row.follow_up_every_days,
    },
    version: row.version,
    pause:
      row.paused_at === null
        ? null
        : {
            since: toDate(row.paused_at),
            until: toOptionalDate(row.paused_until),
            by: row.paused_by,
            reason: row.pause_reason,
          },
    bounce: row.bounced_at === null ? null : { at: toDate(row.bounced_at), reason: row.bounce_reason },
  };
}

export function toDigestItem(row: DigestItemRow): DigestItemRecord {
  return { requestId: row.request_id, kind: row.kind, round: row.round, part: row.part };
}
