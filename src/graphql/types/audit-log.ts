import type { AuditEntry } from '../../events/audit-log.ts';
import { auditReaders } from '../../events/audit-log.ts';
import { builder } from '../builder.ts';
import { pageArguments, readPage } from '../pages.ts';

const AuditSystem = builder.enumType('AuditSystem', {
  values: {
    CASES: { value: 'cases' },
    TASKS: { value: 'tasks' },
    QUEUE: { value: 'queue' },
    DIGESTS: { value: 'digests' },
    MAILS: { value: 'mails' },
  } as const,
});

const AuditEntryRef = builder.objectRef<AuditEntry>('AuditEntry').implement({
  description:
    'Something that somebody did to a case, a task or an item, or to what holds for all of a topic, kind or recipient.',
  fields: (t) => ({
    id: t.id({ resolve: ({ shard, position, sequence }) => `${shard}:${position}.${sequence}` }),
    at: t.expose('at', { type: 'DateTime' }),
    actor: t.exposeString('actor', { description: 'A person or a program; Caseload itself where nobody else did it.' }),
    system: t.field({ type: AuditSystem, resolve: ({ system }) => system }),
    topic: t.exposeString('topic', {
      description: 'The topic of the case or item, the kind of the task; a topic, kind, schedule or recipient itself.',
    }),
    type: t.exposeString('type', { description: 'What was done, for instance "RELEASED".' }),
    aboutId: t.exposeID('aboutId', { description: 'The case, task, item or recipient; the name of what has no id.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, or the error of an attempt.' }),
  }),
});

const AuditLogConnection = builder.connectionObject(
  { type: AuditEntryRef, name: 'AuditLogConnection' },
  { name: 'AuditLogEdge' },
);

const AuditFilter = builder.inputType('AuditFilter', {
  fields: (t) => ({
    system: t.field({ type: AuditSystem }),
    actor: t.string({ description: 'The whole name.' }),
    type: t.string({ description: 'As in an entry, for instance "RELEASED".' }),
    steering: t.boolean({ description: 'Only pauses, limits, settings, and mails that were settled by hand.' }),
  }),
});

builder.queryFields((t) => ({
  auditLog: t.field({
    type: AuditLogConnection,
    description:
      'Who did what, the last first. A page of a filter that seldom fits may be short, and still have a next one.',
    authScopes: { roles: [...auditReaders] },
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: AuditFilter }), ...pageArguments },
    resolve: async (_root, args, { actor, services }) => {
      const { first, after } = readPage(args);
      const { namespace, filter } = args;
      const page = await services.auditLog(actor, { namespace, filter: filter ?? {}, first, after: after ?? null });
      return {
        edges: [...page.edges],
        pageInfo: {
          hasNextPage: page.hasNextPage,
          hasPreviousPage: after !== undefined,
          startCursor: page.edges[0]?.cursor ?? null,
          endCursor: page.endCursor,
        },
        partialShards: page.partialShards,
      };
    },
  }),
}));
