import { requestReaders } from '../../digests/access.ts';
import type { RequestEventType, RequestRecord } from '../../domain/digest.ts';
import type { ItemEvent } from '../../events/item-history.ts';
import { builder } from '../builder.ts';
import { answerHistory, answerPage, pageArguments } from '../pages.ts';
import { DigestRef, RequestEventTypeEnum, RequestOutcomeEnum, RequestRef, RequestStatusEnum } from './digest-refs.ts';

const RequestEventRef = builder.objectRef<ItemEvent>('RequestEvent').implement({
  description: 'An entry of a request’s timeline.',
  fields: (t) => ({
    type: t.field({ type: RequestEventTypeEnum, resolve: (event) => event.type as RequestEventType }),
    at: t.expose('at', { type: 'DateTime' }),
    actor: t.exposeString('actor'),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'More about it: which digest, which answer, why.',
    }),
  }),
});
const RequestEventConnection = builder.connectionObject(
  { type: RequestEventRef, name: 'RequestEventConnection' },
  { name: 'RequestEventEdge' },
);
const RequestCustomerRef = builder.objectRef<RequestRecord['customer']>('RequestCustomer').implement({
  fields: (t) => ({
    externalId: t.exposeString('externalId'),
    email: t.exposeString('email'),
    name: t.exposeString('name', { nullable: true }),
  }),
});
const RequestItemRef = builder.objectRef<RequestRecord['item']>('RequestItem').implement({
  fields: (t) => ({
    externalId: t.exposeString('externalId'),
    description: t.exposeString('description', { nullable: true }),
    quantity: t.exposeInt('quantity'),
  }),
});
const RequestAnswerRef = builder.objectRef<NonNullable<RequestRecord['answer']>>('RequestAnswer').implement({
  fields: (t) => ({
    outcome: t.expose('outcome', { type: RequestOutcomeEnum }),
    note: t.exposeString('note', { nullable: true }),
    by: t.exposeString('by'),
    at: t.expose('at', { type: 'DateTime' }),
  }),
});

RequestRef.implement({
  description: 'What a customer wants of a provider.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    status: t.expose('status', { type: RequestStatusEnum }),
    customer: t.expose('customer', { type: RequestCustomerRef }),
    providerExternalId: t.exposeString('providerExternalId'),
    item: t.expose('item', { type: RequestItemRef }),
    answerWithinDays: t.exposeInt('answerWithinDays'),
    submittedBy: t.exposeString('submittedBy'),
    submittedAt: t.expose('submittedAt', { type: 'DateTime' }),
    notifiedAt: t.expose('notifiedAt', { type: 'DateTime', nullable: true, description: 'When its digest was sent.' }),
    answer: t.expose('answer', { type: RequestAnswerRef, nullable: true }),
    customerNotifiedAt: t.expose('customerNotifiedAt', { type: 'DateTime', nullable: true }),
    followUpAt: t.expose('followUpAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is next looked at, if it is not answered until then.',
    }),
    endReason: t.exposeString('endReason', { nullable: true, description: 'Why it was closed or cancelled.' }),
    digest: t.field({
      type: DigestRef,
      nullable: true,
      description: 'The digest in which it goes, or went, to its provider.',
      resolve: (request, _args, { services }) => services.digestStore.digestOf(request.id, 'REQUEST'),
    }),
    answerDigest: t.field({
      type: DigestRef,
      nullable: true,
      description: 'The digest in which its answer goes, or went, to its customer.',
      resolve: (request, _args, { services }) => services.digestStore.digestOf(request.id, 'ANSWER'),
    }),
    timeline: t.field({
      type: RequestEventConnection,
      args: pageArguments,
      description: 'What happened to it, oldest first.',
      resolve: (request, args, { services }) =>
        answerHistory(args, (page) => services.digestHistory(request.id, page.first, page.after)),
    }),
  }),
});

const RequestConnection = builder.connectionObject(
  { type: RequestRef, name: 'RequestConnection' },
  { name: 'RequestEdge' },
);
const RequestFilter = builder.inputType('RequestFilter', {
  fields: (t) => ({
    status: t.field({ type: [RequestStatusEnum] }),
    providerExternalId: t.string(),
    customerExternalId: t.string(),
    digestId: t.id(),
  }),
});
builder.queryFields((t) => ({
  request: t.field({
    type: RequestRef,
    nullable: true,
    authScopes: { roles: requestReaders },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findRequest(actor, id),
  }),
  requests: t.field({
    type: RequestConnection,
    description: 'Newest first. A provider gets its own.',
    authScopes: { roles: requestReaders },
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: RequestFilter }), ...pageArguments },
    resolve: (_root, { namespace, filter, ...args }, { actor, services }) =>
      answerPage(args, (page) => services.listRequests(actor, { namespace, filter: filter ?? null, ...page })),
  }),
}));
