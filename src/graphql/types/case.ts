import type { CaseHistoryPage } from '../../cases/case-history.ts';
import type { HeldCase } from '../../cases/case-rows.ts';
import { caseOrders } from '../../cases/list-cases.ts';
import type { CaseDocument } from '../../cases/store.ts';
import { hasAnyRole } from '../../domain/actor.ts';
import type { Applicant, Decision } from '../../domain/case.ts';
import { caseEventTypes, caseStatus, caseStatuses, verdicts } from '../../domain/case.ts';
import type { Lease } from '../../domain/lease.ts';
import { builder } from '../builder.ts';
import type { RequestContext } from '../context.ts';
import { pageArguments, readPage } from '../pages.ts';

export const CaseStatusEnum = builder.enumType('CaseStatus', {
  values: caseStatuses,
  description: 'PENDING waits, CLAIMED is held by one auditor, APPROVED and REJECTED are the end.',
});
export const VerdictEnum = builder.enumType('Verdict', { values: verdicts });
export const CaseEventTypeEnum = builder.enumType('CaseEventType', { values: caseEventTypes });
export const CaseOrderEnum = builder.enumType('CaseOrder', {
  values: caseOrders,
  description: 'PRIORITY is the order in which open cases are handed out.',
});

/** Whether the asker works on cases, and so may see who did what; applicants may not. */
function worksOnCases(context: RequestContext): boolean {
  return context.actor !== undefined && hasAnyRole(context.actor, ['auditor', 'supervisor', 'operator']);
}

export const LeaseRef = builder.objectRef<Lease>('Lease').implement({
  description: 'The right of one holder to work on one case. All times are the server’s; count from `serverTime`.',
  fields: (t) => ({
    token: t.string({
      nullable: true,
      description: 'Shown with every act under the lease. Only for its holder.',
      resolve: (lease, _args, { actor }) => (actor?.subject === lease.holder ? lease.token : null),
    }),
    holder: t.exposeString('holder'),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    serverTime: t.expose('serverTime', { type: 'DateTime', description: 'The server’s clock when it answered.' }),
  }),
});

export const DecisionRef = builder.objectRef<Decision>('Decision').implement({
  fields: (t) => ({
    verdict: t.field({ type: VerdictEnum, resolve: (decision) => decision.verdict }),
    reason: t.string({
      nullable: true,
      description: 'The auditor’s note. Not for applicants.',
      resolve: (decision, _args, context) => (worksOnCases(context) ? decision.reason : null),
    }),
    decidedBy: t.string({
      nullable: true,
      description: 'Not for applicants.',
      resolve: (decision, _args, context) => (worksOnCases(context) ? decision.decidedBy : null),
    }),
    decidedAt: t.expose('decidedAt', { type: 'DateTime' }),
  }),
});

const ApplicantRef = builder.objectRef<Applicant>('Applicant').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    email: t.exposeString('email'),
    details: t.expose('details', { type: 'JSON', nullable: true }),
  }),
});

export const CaseDocumentRef = builder.objectRef<CaseDocument>('CaseDocument').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    kind: t.exposeString('kind'),
    fileName: t.exposeString('fileName'),
    contentType: t.exposeString('contentType'),
    sizeBytes: t.exposeInt('sizeBytes'),
    sha256: t.exposeString('sha256', { description: 'Hexadecimal.' }),
    url: t.string({
      description: 'A signed URL to read it from, good for a minute.',
      resolve: (document, _args, { services }) => services.documentUrl(document.id, document.namespace),
    }),
  }),
});

type CaseEventShape = CaseHistoryPage['events'][number];

const CaseEventRef = builder.objectRef<CaseEventShape>('CaseEvent').implement({
  description: 'An entry of a case’s audit trail.',
  fields: (t) => ({
    type: t.string({ resolve: (event) => event.type }),
    at: t.expose('at', { type: 'DateTime' }),
    actor: t.string({
      nullable: true,
      description: 'Not for applicants, but for their own registration.',
      resolve: (event, _args, context) => (worksOnCases(context) || event.type === 'REGISTERED' ? event.actor : null),
    }),
    attempt: t.exposeInt('attempt', { nullable: true, description: 'How often the case had been claimed by then.' }),
    leaseExpiresAt: t.expose('leaseExpiresAt', { type: 'DateTime', nullable: true }),
    reason: t.string({
      nullable: true,
      description: 'Not for applicants.',
      resolve: (event, _args, context) => (worksOnCases(context) ? event.reason : null),
    }),
  }),
});

export const CaseRef = builder.objectRef<HeldCase>('Case').implement({
  fields: (t) => ({
    id: t.id({ resolve: (held) => held.case.id }),
    namespace: t.string({ resolve: (held) => held.case.namespace }),
    topic: t.string({
      resolve: (held, _args, { services }) => services.topicName(held.case.id, held.case.topicId),
    }),
    status: t.field({ type: CaseStatusEnum, resolve: (held) => caseStatus(held.case.decision, held.lease !== null) }),
    priority: t.int({ description: 'Lower is sooner.', resolve: (held) => held.case.priority }),
    region: t.string({
      nullable: true,
      description: 'Where it is kept; without regions, what was asked for.',
      resolve: (held, _args, { services }) => services.regionOf(held.case.id) ?? held.case.region,
    }),
    registrant: t.string({ description: 'Who registered it.', resolve: (held) => held.case.registrant }),
    applicant: t.field({ type: ApplicantRef, resolve: (held) => held.case.applicant }),
    registeredAt: t.field({ type: 'DateTime', resolve: (held) => held.case.registeredAt }),
    documents: t.field({
      type: [CaseDocumentRef],
      complexity: { field: 1, multiplier: 5 },
      resolve: async (held, _args, { services }) => [...(await services.caseStore.documents(held.case.id))],
    }),
    lease: t.field({
      type: LeaseRef,
      nullable: true,
      description: 'The living lease, if somebody holds the case. Not for applicants.',
      resolve: (held, _args, context) => (worksOnCases(context) ? held.lease : null),
    }),
    decision: t.field({ type: DecisionRef, nullable: true, resolve: (held) => held.case.decision }),
    events: t.field({
      type: CaseEventConnection,
      args: pageArguments,
      description: 'What happened to it, oldest first.',
      resolve: async (held, args, { services }) => {
        const { first, after } = readPage(args);
        const page = await services.caseHistory(held.case.id, first, after ?? null);
        return {
          edges: page.events.map((event) => ({ cursor: event.cursor, node: event })),
          pageInfo: pageInfo(
            page.events.map((event) => event.cursor),
            page.hasNextPage,
            after !== undefined,
          ),
        };
      },
    }),
  }),
});

const CaseEventConnection = builder.connectionObject(
  { type: CaseEventRef, name: 'CaseEventConnection' },
  { name: 'CaseEventEdge' },
);
const CaseConnection = builder.connectionObject({ type: CaseRef, name: 'CaseConnection' }, { name: 'CaseEdge' });

function pageInfo(cursors: readonly string[], hasNextPage: boolean, hasPreviousPage: boolean) {
  return { hasNextPage, hasPreviousPage, startCursor: cursors[0] ?? null, endCursor: cursors.at(-1) ?? null };
}

const CaseFilter = builder.inputType('CaseFilter', {
  fields: (t) => ({
    status: t.field({ type: [CaseStatusEnum] }),
    topic: t.string(),
    registrant: t.string({ description: 'Applicants get their own cases in any event.' }),
    holder: t.string({ description: 'Who holds it now. Not for applicants.' }),
  }),
});

export const CaseLeaseRef = builder.objectRef<HeldCase>('CaseLease').implement({
  description: 'A case that the asker holds, with its lease.',
  fields: (t) => ({
    case: t.field({ type: CaseRef, resolve: (held) => held }),
    lease: t.field({ type: LeaseRef, resolve: (held) => held.lease! }),
    token: t.string({ description: 'The lease’s, as are the times here.', resolve: (held) => held.lease!.token }),
    acquiredAt: t.field({ type: 'DateTime', resolve: (held) => held.lease!.acquiredAt }),
    expiresAt: t.field({ type: 'DateTime', resolve: (held) => held.lease!.expiresAt }),
    serverTime: t.field({ type: 'DateTime', resolve: (held) => held.lease!.serverTime }),
  }),
});

builder.queryFields((t) => ({
  case: t.field({
    type: CaseRef,
    nullable: true,
    authScopes: { roles: ['applicant', 'auditor', 'supervisor', 'operator'] },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findCase(actor, id),
  }),
  cases: t.field({
    type: CaseConnection,
    authScopes: { roles: ['applicant', 'auditor', 'supervisor', 'operator'] },
    args: {
      namespace: t.arg.string({ required: true }),
      filter: t.arg({ type: CaseFilter }),
      orderBy: t.arg({ type: CaseOrderEnum, defaultValue: 'REGISTERED_DESC' }),
      ...pageArguments,
    },
    resolve: async (_root, args, { actor, services }) => {
      const { first, after } = readPage(args);
      const { namespace, filter } = args;
      const orderBy = args.orderBy ?? 'REGISTERED_DESC';
      const page = await services.listCases(actor, {
        namespace,
        filter: filter ?? null,
        orderBy,
        first,
        after: after ?? null,
      });
      return {
        partialShards: page.partialShards ?? [],
        edges: [...page.edges],
        pageInfo: pageInfo(
          page.edges.map((edge) => edge.cursor),
          page.hasNextPage,
          after !== undefined,
        ),
      };
    },
  }),
  myLeases: t.field({
    type: [CaseLeaseRef],
    description: 'The cases that the asker holds: a reloaded page finds its case again.',
    authScopes: { roles: ['auditor', 'supervisor'] },
    complexity: { field: 1, multiplier: 10 },
    args: { namespace: t.arg.string({ required: true }) },
    resolve: async (_root, { namespace }, { actor, services }) => [...(await services.myLeases(actor, namespace))],
  }),
}));
