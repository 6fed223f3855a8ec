import type { Actor } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import type { MailContent } from '../mail/templates.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { digestReaders, findDigestFor } from './access.ts';
import type { DigestStore } from './digest-store.ts';
import { digestMailKey } from './handlers/send.ts';
import type { RenderDigest } from './render-digest.ts';

const findDigestMail = loadStatement('find-digest-mail');

/** A digest's mail as it was written down or, before that, as it would be now. */
export interface DigestPreview extends MailContent {
  readonly to: string;
  readonly part: number;
  readonly parts: number;
  /** It is in the record, and is what goes out. */
  readonly isFinal: boolean;
}

export interface PreviewDependencies {
  readonly shard: Shard;
  readonly store: DigestStore;
  readonly render: RenderDigest;
}

/**
 * Shows a digest's mail before it goes. Sends and stores nothing.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createPreviewDigest({
  shard,
  store,
  render,
}: PreviewDependencies): (actor: Actor | undefined, id: string, part: number) => Promise<DigestPreview> {
  return async (actor, id, part) => {
    const digest = await findDigestFor(store, actor, 'id', id, digestReaders);
    const recipient = await store.getRecipient(digest.recipientId);
    const parts = digest.parts ?? 1;
    if (!Number.isInteger(part) || part < 1 || part > parts) throw badInput('part', `must be from 1 to ${parts}`);
    const key = digestMailKey({ digestId: digest.id, part, round: digest.round });
    const rows = await shard.run<MailContent & { recipient: string }>(findDigestMail, [digest.namespace, key]);
    const stored = rows[0];
    if (stored !== undefined) {
      const { subject, html, text } = stored;
      return { subject, html, text, to: stored.recipient, part, parts, isFinal: true };
    }
    return { ...(await render(digest, recipient, part)), to: recipient.email, part, parts, isFinal: false };
  };
}
