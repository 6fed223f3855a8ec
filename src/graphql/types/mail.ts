import type { MailRecord } from '../../mail/mail-record.ts';
import { mailStatuses } from '../../mail/mail-record.ts';
import { mailReaders } from '../../mail/read-mails.ts';
import { builder } from '../builder.ts';
import { pageArguments, readPage } from '../pages.ts';

export const MailStatusEnum = builder.enumType('MailStatus', {
  values: mailStatuses,
  description:
    'PREPARED: the server does not have it yet. FAILED: the server refused it for good. UNCERTAIN: it left, but no answer came.',
});

// A body may have a megabyte: a page with them has to be short.
const bodyComplexity = 15;

export const MailRef = builder.objectRef<MailRecord>('Mail').implement({
  description: 'A mail, as it was written down before it was sent.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    key: t.exposeString('key', { description: 'The same key is the same mail.' }),
    aboutId: t.exposeID('aboutId', { nullable: true, description: 'The id of what it is about, a case for instance.' }),
    from: t.exposeString('sender'),
    to: t.exposeString('recipient'),
    toName: t.exposeString('recipientName', { nullable: true }),
    subject: t.exposeString('subject'),
    html: t.string({
      complexity: bodyComplexity,
      resolve: async (mail, _args, { services }) => (await services.mailBody(mail.id)).html,
    }),
    text: t.string({
      complexity: bodyComplexity,
      resolve: async (mail, _args, { services }) => (await services.mailBody(mail.id)).text,
    }),
    messageId: t.exposeString('messageId', { description: 'The same for every attempt.' }),
    status: t.expose('status', { type: MailStatusEnum }),
    attemptCount: t.exposeInt('attempts'),
    preparedAt: t.expose('preparedAt', { type: 'DateTime' }),
    sentAt: t.expose('sentAt', { type: 'DateTime', nullable: true, description: 'When the server had taken it.' }),
    answer: t.exposeString('answer', {
      nullable: true,
      description: 'What the mail server said last, or what went wrong.',
    }),
    settledBy: t.exposeString('settledBy', {
      nullable: true,
      description: 'Who decided what became of it when that was uncertain.',
    }),
    settledAt: t.expose('settledAt', { type: 'DateTime', nullable: true }),
    settleReason: t.exposeString('settleReason', { nullable: true }),
    bouncedAt: t.expose('bouncedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a bounce message said that it was not delivered.',
    }),
    bounceReason: t.exposeString('bounceReason', { nullable: true }),
  }),
});

const MailConnection = builder.connectionObject({ type: MailRef, name: 'MailConnection' }, { name: 'MailEdge' });

const MailFilter = builder.inputType('MailFilter', {
  fields: (t) => ({
    status: t.field({ type: [MailStatusEnum] }),
    aboutId: t.id({ description: 'The id of a case, for instance.' }),
    recipient: t.string({ description: 'The whole address.' }),
  }),
});

const authScopes = { roles: mailReaders };

builder.queryFields((t) => ({
  mail: t.field({
    type: MailRef,
    nullable: true,
    authScopes,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findMail(actor, id),
  }),
  mails: t.field({
    type: MailConnection,
    description: 'What was sent, or is to be: newest first. For operators.',
    authScopes,
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: MailFilter }), ...pageArguments },
    resolve: async (_root, { namespace, filter, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const found = await services.listMails(actor, { namespace, filter: filter ?? null, first, after: after ?? null });
      return {
        partialShards: found.partialShards ?? [],
        edges: [...found.edges],
        pageInfo: {
          hasNextPage: found.hasNextPage,
          hasPreviousPage: after !== undefined,
          startCursor: found.edges[0]?.cursor ?? null,
          endCursor: found.edges.at(-1)?.cursor ?? null,
        },
      };
    },
  }),
}));
