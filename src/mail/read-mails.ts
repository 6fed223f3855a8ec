import type { Actor } from '../domain/actor.ts';
import { mayEnter, requireRole } from '../domain/actor.ts';
import { notFound } from '../domain/errors.ts';
import { decodeIdCursor, encodeIdCursor } from '../domain/id-cursor.ts';
import { parseId } from '../domain/ids.ts';
import { parseEmail, parseName } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, planEachTime } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { MailBody, MailColumns, MailRecord, MailStatus } from './mail-record.ts';
import { toMail } from './mail-record.ts';
import type { SettleMailInput, SettleMailResult } from './settle-by-hand.ts';
import { createSettleMail } from './settle-by-hand.ts';

const listMails = planEachTime(loadStatement('list-mails'));
const findMail = loadStatement('find-mail');
const readMailBodies = loadStatement('read-mail-bodies');
/** A body may have a megabyte. */
const bodiesPerStatement = 10;

/** Who may read mails: they hold what applicants are told, and where. */
export const mailReaders = ['operator'] as const;

export interface MailListArguments {
  readonly namespace: string;
  readonly first: number;
  readonly after?: string | null;
  readonly filter?: {
    readonly status?: readonly MailStatus[] | null;
    readonly aboutId?: string | null;
    readonly recipient?: string | null;
  } | null;
}

export interface MailPage {
  readonly edges: readonly { readonly cursor: string; readonly node: MailRecord }[];
  readonly hasNextPage: boolean;
  /** Shards that did not answer: what they have is missing. */
  readonly partialShards?: readonly number[];
}

/** What resolvers of mails stand on. */
export interface MailServices {
  readonly settleMail: (actor: Actor | undefined, input: SettleMailInput) => Promise<SettleMailResult>;
  readonly listMails: (actor: Actor | undefined, input: MailListArguments) => Promise<MailPage>;
  /** What a mail says. Who may read it is the caller's business. */
  readonly mailBody: (mailId: string) => Promise<MailBody>;
  readonly findMail: (actor: Actor | undefined, id: string) => Promise<MailRecord>;
}

/**
 * Reads of mails, for operators.
 * @returns functions that throw Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createMailServices(shard: Shard): MailServices {
  const reads: Pick<MailServices, 'listMails' | 'findMail'> = {
    async listMails(actor, input) {
      const namespace = parseName('namespace', input.namespace);
      requireRole(actor, namespace, mailReaders);
      const { status, aboutId, recipient } = input.filter ?? {};
      const rows = await shard.run<MailColumns>(listMails, [
        namespace,
        status == null || status.length === 0 ? null : status,
        aboutId == null ? null : parseId('filter.aboutId', aboutId),
        recipient == null ? null : parseEmail('filter.recipient', recipient),
        decodeIdCursor(input.after),
        input.first + 1,
      ]);
      return {
        edges: rows.slice(0, input.first).map((row) => ({ cursor: encodeIdCursor(row.id), node: toMail(row) })),
        hasNextPage: rows.length > input.first,
      };
    },
    async findMail(maybeActor, id) {
      const actor = requireRole(maybeActor, maybeActor?.namespace ?? '', mailReaders);
      const row = (await shard.run<MailColumns>(findMail, [parseId('id', id)]))[0];
      // Another tenant's looks like one that does not exist.
      if (row === undefined || !mayEnter(actor, row.namespace)) throw notFound('Mail');
      return toMail(row);
    },
  };
  const findBody = createBatcher<string, MailBody | undefined>({
    rowsMax: bodiesPerStatement,
    run: async (ids) => {
      const rows = await shard.run<MailBody & { id: string }>(readMailBodies, [[...new Set(ids)]]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id));
    },
  });
  const mailBody = async (mailId: string): Promise<MailBody> => {
    const body = await findBody(mailId);
    if (body === undefined) throw notFound('Mail');
    return body;
  };
  return { ...reads, mailBody, settleMail: createSettleMail(shard, reads.findMail) };
}
