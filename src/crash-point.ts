/**
 * Places between two steps where a death must be harmless. The fault tests start a program with `CASELOAD_CRASH_AT`
 * naming one of them; it then dies there, as by `kill -9`. Production ignores the variable.
 */
export type CrashPoint =
  /** The case is committed; its ticket has not been issued, and its registrant has no answer. */
  | 'register_after_commit'
  /** A ticket is in hand; no case has been picked with it. */
  | 'claim_after_pull'
  /** The lease is committed; its holder has no answer, and the ticket's timer is not set. */
  | 'claim_after_commit'
  /** The decision is committed; its ticket is not acknowledged, and the auditor has no answer. */
  | 'decide_after_commit'
  /** The job is committed; no ticket has been issued, and its producer has no answer. */
  | 'create_job_after_commit'
  /** The end of a task's attempt is committed; its ticket is not acknowledged. */
  | 'finish_after_commit'
  /** The bytes of a document are stored; no row names them. */
  | 'upload_after_store'
  /** A mail is recorded as being sent; nothing of it has left. */
  | 'mail_before_send'
  /** All of a mail has left but its end, without which no server takes it; that it ends is not recorded. */
  | 'mail_before_end'
  /** It is recorded that the end of a mail leaves; it has not left. */
  | 'mail_at_end'
  /** The mail server has taken a mail; that is not recorded. */
  | 'mail_after_send'
  /** Items are committed; no ticket has been issued, and their producer has no answer. */
  | 'enqueue_after_commit'
  /** The items' ends are committed; their tickets are not acknowledged, and the consumer has no answer. */
  | 'ack_after_commit'
  /** Items are back in their topic; their tickets are not, and the consumer has no answer. */
  | 'nack_after_commit'
  /** The request is in its digest; its producer has no answer. */
  | 'submit_request_after_commit'
  /** The digest is sealed; the end of its task is not told. */
  | 'seal_after_commit'
  /** A digest's mail is accepted by the server; the digest does not know it. */
  | 'digest_after_send'
  /** Events are published; the relay's place is not saved. */
  | 'relay_after_publish';

const armed = process.env.NODE_ENV === 'production' ? undefined : process.env.CASELOAD_CRASH_AT;

/** Dies here when the process was started to do so; otherwise one comparison. */
export function crashPoint(here: CrashPoint): void {
  if (armed === here) process.kill(process.pid, 'SIGKILL');
}
