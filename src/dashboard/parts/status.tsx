import { inWords } from './words.ts';

const tones: Readonly<Record<string, string>> = {
  PENDING: 'wait',
  CLAIMED: 'busy',
  APPROVED: 'good',
  REJECTED: 'bad',
  SCHEDULED: 'wait',
  AVAILABLE: 'wait',
  RUNNING: 'busy',
  RETRYABLE: 'warn',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  PARTIALLY_FAILED: 'bad',
  CANCELLED: 'off',
  OPEN: 'busy',
  PREPARED: 'wait',
  SEALED: 'busy',
  SKIPPED: 'off',
  RECEIVED: 'wait',
  NOTIFIED: 'busy',
  ANSWERED: 'busy',
  CUSTOMER_NOTIFIED: 'good',
  OVERDUE: 'bad',
  CLOSED: 'off',
  SENDING: 'busy',
  SENT: 'good',
  UNCERTAIN: 'warn',
};

/** A status as a word with a dot; the word alone says everything. */
export function Status({ value }: { readonly value: string }) {
  return <span class={`status status-${tones[value] ?? 'off'}`}>{inWords(value)}</span>;
}
