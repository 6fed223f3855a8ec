import { crashPoint } from '../../crash-point.ts';
import { toMailAddress } from '../../mail/mail-address.ts';
import { MailError } from '../../mail/mail-transport.ts';
import type { Mailer } from '../../mail/mailer.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement } from '../../postgres/sql.ts';
import type { AnyTaskHandler, TaskRun } from '../../tasks/task-handler.ts';
import { defineTask, FatalTaskError } from '../../tasks/task-handler.ts';
import type { DigestStore } from '../digest-store.ts';
import type { RenderDigest } from '../render-digest.ts';
import { parseCount, parseDigestId } from './payload.ts';

const beginDigestMail = loadStatement('begin-digest-mail');
const markDigestSent = loadStatement('mark-digest-sent');
const failDigest = loadStatement('fail-digest');
const failureCharacters = 500;

interface ShardParts {
  readonly shard: Shard;
  readonly store: DigestStore;
  readonly render: RenderDigest;
  readonly eventsWritten: () => void;
}

export interface SendParts {
  /** The parts of the shard on which a task lies. */
  readonly at: (taskId: string) => ShardParts;
  readonly mailer: Pick<Mailer, 'deliver'>;
  /** How long one attempt to send may take. */
  readonly mailSendSeconds: number;
}

interface Payload {
  readonly digestId: string;
  readonly part: number;
  readonly round: number;
}

/** The key under which a digest's mail is written down, and by which no part of it goes twice. */
export function digestMailKey({ digestId, part, round }: Payload): string {
  return `digest/${digestId}/${part}/${round}`;
}

/**
 * `digest-send` with payload `{ digestId, part, round }`: one mail of a sealed digest. It is rendered once and written
 * down before it leaves; what was written down is sent, however often that takes.
 */
export function createSendHandler({ at, mailer, mailSendSeconds }: SendParts): AnyTaskHandler {
  return defineTask<Payload>({
    kind: 'digest-send',
    internal: true,
    // More than the connections to the mail server: while some send, others read, render and write down.
    concurrency: 12,
    timeLimitMilliseconds: (mailSendSeconds + 15) * 1_000,
    // It outlasts a sending: before that, nobody may begin another one.
    leaseSeconds: mailSendSeconds + 5,
    maxAttempts: 36,
    // Servers that put strangers off take their mail after minutes; those that are down come back after hours.
    backoff: { firstMilliseconds: 1_000, factor: 2, capMilliseconds: 3_600_000 },
    parsePayload: (field, payload) => ({
      digestId: parseDigestId(field, payload),
      part: parseCount(field, payload, 'part'),
      round: parseCount(field, payload, 'round'),
    }),
    async run(payload, run) {
      const { digestId, part, round } = payload;
      const { shard, store, render, eventsWritten } = at(run.taskId);
      const begun = await shard.run(beginDigestMail, [digestId, run.namespace, part, round]);
      if (begun.length === 0) return { outcome: 'nothing to send' };
      const digest = await store.getDigest(digestId);
      const recipient = await store.getRecipient(digest.recipientId);
      try {
        const sent = await mailer.deliver(
          shard,
          {
            namespace: run.namespace,
            key: digestMailKey(payload),
            aboutId: digestId,
            to: toMailAddress(recipient.email, recipient.name),
            render: () => render(digest, recipient, part),
            // A provider gets one mail: one that it may have is sent again only when somebody says so.
            whenUncertain: 'hold',
          },
          run.signal,
        );
        crashPoint('digest_after_send');
        await shard.run(markDigestSent, [digestId, part, round, sent.messageId]);
        eventsWritten();
        return { messageId: sent.messageId, answer: sent.answer };
      } catch (error) {
        return await judge(error, payload, run);
      }
    },
  });

  /** What does not go away by itself marks the digest, so that somebody looks; the rest is tried again. */
  async function judge(error: unknown, { digestId, part, round }: Payload, run: TaskRun): Promise<never> {
    const bounced = error instanceof MailError && error.kind === 'PERMANENT';
    const held = error instanceof MailError && error.kind === 'HELD';
    if (run.signal.aborted || (!bounced && !held && run.attempt < run.maxAttempts)) throw error;
    const text = error instanceof Error ? error.message : String(error);
    const what = text.toWellFormed().replaceAll('\0', ' ').slice(0, failureCharacters).toWellFormed();
    const { shard, eventsWritten } = at(run.taskId);
    await shard.run(failDigest, [digestId, part, round, what, bounced]);
    eventsWritten();
    throw new FatalTaskError(what);
  }
}
