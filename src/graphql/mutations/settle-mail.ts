import type { MailRecord, MailStatus } from '../../mail/mail-record.ts';
import { mailReaders } from '../../mail/read-mails.ts';
import { mailSettlements } from '../../mail/settle-by-hand.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { MailRef, MailStatusEnum } from '../types/mail.ts';

const MailSettlementEnum = builder.enumType('MailSettlement', {
  values: mailSettlements,
  description:
    'SEND_AGAIN: the server does not have it. SENT: it does. A digest goes on by itself; the tasks of other mails are retried by hand.',
});

interface MailSettledShape {
  readonly kind: 'MailSettled';
  readonly mail: MailRecord;
}

const MailSettled = builder.objectRef<MailSettledShape>('MailSettled').implement({
  fields: (t) => ({ mail: t.expose('mail', { type: MailRef }) }),
});

interface MailNotUncertainShape extends ProblemShape {
  readonly kind: 'MailNotUncertain';
  readonly status: MailStatus;
}

const MailNotUncertain = builder.objectRef<MailNotUncertainShape>('MailNotUncertain').implement({
  interfaces: [Problem],
  description: 'What became of the mail is known. Nothing was changed.',
  fields: (t) => ({ status: t.expose('status', { type: MailStatusEnum }) }),
});

type Shape = MailSettledShape | MailNotUncertainShape;

const SettleMailResultUnion = builder.unionType('SettleMailResult', {
  types: [MailSettled, MailNotUncertain],
  resolveType: (value) => (value as Shape).kind,
});

const SettleMailInput = builder.inputType('SettleMailInput', {
  fields: (t) => ({
    mailId: t.id({ required: true }),
    outcome: t.field({ type: MailSettlementEnum, required: true }),
    reason: t.string({ required: true, description: 'At most 2,000 characters.' }),
  }),
});

builder.mutationField('settleMail', (t) =>
  t.field({
    type: SettleMailResultUnion,
    description: 'Decides what became of an uncertain mail, after a look at the mail server’s log.',
    authScopes: { roles: mailReaders },
    args: { input: t.arg({ type: SettleMailInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const { kind, mail } = await services.settleMail(actor, input);
      if (kind === 'settled') return { kind: 'MailSettled', mail };
      return {
        kind: 'MailNotUncertain',
        code: 'MAIL_NOT_UNCERTAIN',
        message: 'What became of the mail is known',
        retryable: false,
        status: mail.status,
      };
    },
  }),
);
