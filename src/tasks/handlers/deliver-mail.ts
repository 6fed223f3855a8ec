import type { BackoffRule } from '../../domain/backoff.ts';
import { MailError } from '../../mail/mail-transport.ts';
import type { Mailer, MailInput } from '../../mail/mailer.ts';
import type { Shard } from '../../postgres/shard.ts';
import type { TaskResult } from '../task-handler.ts';
import { FatalTaskError } from '../task-handler.ts';

export interface MailParts {
  /** The shard on which something with this id lies. */
  readonly shardOf: (id: string) => Shard;
  readonly mailer: Mailer;
  /** How long one attempt to send may take. */
  readonly mailSendSeconds: number;
}

// Servers that put strangers off take their mail after minutes; those that are down come back after hours.
const mailBackoff: BackoffRule = { firstMilliseconds: 5_000, factor: 2, capMilliseconds: 3_600_000 };

/** What every kind of task that sends a mail has: more than a day of attempts, and a lease that outlasts a sending. */
export function mailTaskLimits({ mailSendSeconds }: Pick<MailParts, 'mailSendSeconds'>) {
  return {
    concurrency: 4,
    timeLimitMilliseconds: (mailSendSeconds + 15) * 1_000,
    leaseSeconds: mailSendSeconds + 10,
    maxAttempts: 60,
    backoff: mailBackoff,
  } as const;
}

/**
 * Sends a mail as the work of a task.
 * @throws FatalTaskError when the server refused it for good, or when it must not be sent again
 * @throws MailError when another attempt may succeed
 */
export async function deliverMail(
  { shardOf, mailer }: MailParts,
  input: MailInput & { readonly aboutId: string },
  signal: AbortSignal,
): Promise<TaskResult> {
  try {
    const { mailId, messageId, answer } = await mailer.deliver(shardOf(input.aboutId), input, signal);
    return { mailId, messageId, answer };
  } catch (error) {
    if (error instanceof MailError && (error.kind === 'PERMANENT' || error.kind === 'HELD'))
      throw new FatalTaskError(error.message);
    throw error;
  }
}
