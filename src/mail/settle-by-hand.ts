import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { limits } from '../domain/limits.ts';
import { parseText } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { MailRecord } from './mail-record.ts';
import type { MailServices } from './read-mails.ts';
import { mailReaders } from './read-mails.ts';

const settleByHand = loadStatement('settle-mail-by-hand');

export const mailSettlements = ['SEND_AGAIN', 'SENT'] as const;

export interface SettleMailInput {
  readonly mailId: string;
  /** SEND_AGAIN: the server does not have it. SENT: it does. */
  readonly outcome: (typeof mailSettlements)[number];
  readonly reason: string;
}

export type SettleMailResult =
  | { readonly kind: 'settled'; readonly mail: MailRecord }
  | { readonly kind: 'notUncertain'; readonly mail: MailRecord };

/**
 * Lets an operator decide what became of a mail that is `UNCERTAIN`, after a look at the mail server's log. Who did so
 * and why is kept. A digest that waits for it goes on by itself; another mail that is to be sent again is sent when its
 * task is retried.
 * @returns a function that throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createSettleMail(
  shard: Shard,
  findMail: MailServices['findMail'],
): (actor: Actor | undefined, input: SettleMailInput) => Promise<SettleMailResult> {
  return async (maybeActor, input) => {
    const reason = parseText('input.reason', input.reason, { charactersMax: limits.reasonCharacters, lines: true });
    const { id, namespace } = await findMail(maybeActor, input.mailId);
    const actor = requireRole(maybeActor, namespace, mailReaders);
    const status = input.outcome === 'SENT' ? 'SENT' : 'PREPARED';
    const changed = await shard.run(settleByHand, [id, status, actor.subject, reason]);
    return { kind: changed.length === 1 ? 'settled' : 'notUncertain', mail: await findMail(maybeActor, id) };
  };
}
