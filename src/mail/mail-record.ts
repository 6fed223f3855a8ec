import { toDate } from '../postgres/sql.ts';

export const mailStatuses = ['PREPARED', 'SENDING', 'SENT', 'FAILED', 'UNCERTAIN'] as const;
export type MailStatus = (typeof mailStatuses)[number];

/** A mail as it stands in the record, without what it says, which may be long. */
export interface MailRecord {
  readonly id: string;
  readonly namespace: string;
  readonly key: string;
  readonly aboutId: string | null;
  readonly sender: string;
  readonly recipient: string;
  readonly recipientName: string | null;
  readonly subject: string;
  readonly messageId: string;
  readonly status: MailStatus;
  /** How often it was tried. */
  readonly attempts: number;
  readonly preparedAt: Date;
  readonly sentAt: Date | null;
  readonly answer: string | null;
  /** Who decided what became of it when that was uncertain. */
  readonly settledBy: string | null;
  readonly settledAt: Date | null;
  readonly settleReason: string | null;
  /** A server that had it said that it could not be delivered. */
  readonly bouncedAt: Date | null;
  readonly bounceReason: string | null;
}

export interface MailBody {
  readonly html: string;
  readonly text: string;
}

export interface MailColumns {
  readonly id: string;
  readonly namespace: string;
  readonly key: string;
  readonly about_id: string | null;
  readonly sender: string;
  readonly recipient: string;
  readonly recipient_name: string | null;
  readonly subject: string;
  readonly message_id: string;
  readonly status: MailStatus;
  readonly attempt: number;
  readonly prepared_at: string;
  readonly sent_at: string | null;
  readonly answer: string | null;
  readonly settled_by: string | null;
  readonly settled_at: string | null;
  readonly settle_reason: string | null;
  readonly bounced_at: string | null;
  readonly bounce_reason: string | null;
}

export function toMail(row: MailColumns): MailRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    key: row.key,
    aboutId: row.about_id,
    sender: row.sender,
    recipient: row.recipient,
    recipientName: row.recipient_name,
    subject: row.subject,
    messageId: row.message_id,
    status: row.status,
    attempts: row.attempt,
    preparedAt: toDate(row.prepared_at),
    sentAt: row.sent_at === null ? null : toDate(row.sent_at),
    answer: row.answer,
    settledBy: row.settled_by,
    settledAt: row.settled_at === null ? null : toDate(row.settled_at),
    settleReason: row.settle_reason,
    bouncedAt: row.bounced_at === null ? null : toDate(row.bounced_at),
    bounceReason: row.bounce_reason,
  };
}
