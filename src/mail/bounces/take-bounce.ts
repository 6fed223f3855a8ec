import { isId, shardOf } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement } from '../../postgres/sql.ts';
import type { MailColumns, MailRecord } from '../mail-record.ts';
import { toMail } from '../mail-record.ts';
import { readReturnPath } from './return-path.ts';

const findMail = loadStatement('find-mail');
const findMailByMessageId = loadStatement('find-mail-by-message-id');
const markMailBounced = loadStatement('mark-mail-bounced');

/** Why a message changed nothing: it is no report, it tells of no failure, or of no mail of ours. */
export const bounceRefusals = ['NO_REPORT', 'NO_FAILURE', 'UNKNOWN_MAIL'] as const;

export type TakenBounce =
  | { readonly kind: 'taken'; readonly mail: MailRecord }
  | { readonly kind: 'refused'; readonly refusal: (typeof bounceRefusals)[number] };

export interface TakeBounceDependencies {
  readonly shards: readonly Shard[];
  /** What return paths are signed with: the secret of today and, where there is one, that of before. */
  readonly secrets: readonly string[];
}

/**
 * Takes a bounce message: the mail that it names is marked, and when it was a digest's, its recipient stops, as it does
 * when the server refuses its address at once. The same message twice is fine.
 * @returns a function that throws Fault `UNAVAILABLE` when no shard that answers has the mail and one is away
 */
export function createTakeBounce({
  shards,
  secrets,
}: TakeBounceDependencies): (raw: Uint8Array, isOurs: (mail: MailRecord) => boolean) => Promise<TakenBounce> {
  const findOn = async (shard: Shard | undefined, statement: typeof findMail, value: string) => {
    const rows = await shard?.run<MailColumns>(statement, [value]);
    return rows?.[0] === undefined ? undefined : { shard: shard!, mail: toMail(rows[0]) };
  };
  return async (raw, isOurs) => {
    // Few ever come, so what parses them is loaded with the first.
    const { readDeliveryReport } = await import('./read-report.ts');
    const report = await readDeliveryReport(raw);
    if (report === undefined) return { kind: 'refused', refusal: 'NO_REPORT' };
    if (report.failure === undefined) return { kind: 'refused', refusal: 'NO_FAILURE' };
    const named = report.sentTo.map((address) => readReturnPath(secrets, address)).find((id) => id !== undefined);
    let found: Awaited<ReturnType<typeof findOn>>;
    if (named !== undefined && isId(named)) {
      found = await findOn(
        shards.find(({ number }) => number === shardOf(named)),
        findMail,
        named,
      );
    } else if (report.messageId !== undefined) {
      const { messageId } = report;
      const places = await Promise.all(shards.map((shard) => findOn(shard, findMailByMessageId, messageId)));
      found = places.find((place) => place !== undefined);
    }
    if (found === undefined || !isOurs(found.mail)) return { kind: 'refused', refusal: 'UNKNOWN_MAIL' };
    const reason = report.failure
      .toWellFormed()
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, limits.mailAnswerCharacters)
      .toWellFormed();
    await found.shard.run(markMailBounced, [found.mail.id, reason]);
    return { kind: 'taken', mail: (await findOn(found.shard, findMail, found.mail.id))!.mail };
  };
}
