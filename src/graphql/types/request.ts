import { isMerelyProvider, requestReaders } from '../../digests/access.ts';
import type { RequestPlace } from '../../digests/digest-store.ts';
import { hasAnyRole } from '../../domain/actor.ts';
import type { RequestEventType, RequestRecord } from '../../domain/digest.ts';
import type { ItemEvent } from '../../events/item-history.ts';
import { mailReaders } from '../../mail/read-mails.ts';
import { builder } from '../builder.ts';
import { answerHistory, answerPage, pageArguments } from '../pages.ts';
import {
  DigestItemKindEnum,
  DigestRef,
  RequestEventTypeEnum,
  RequestOutcomeEnum,
  RequestRef,
  RequestStatusEnum,
} from './digest-refs.ts';
import { MailRef } from './mail.ts';

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

const RequestDigestRef = builder.objectRef<RequestPlace>('RequestDigest').implement({
  description: 'A digest that a request is in, and the mail of it that tells of the request.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DigestItemKindEnum }),
    part: t.exposeInt('part', { description: 'Which of its mails it is in.' }),
    digest: t.field({
      type: DigestRef,
      resolve: ({ digestId }, _args, { services }) => services.digestStore.getDigest(digestId),
    }),
    mail: t.field({
      type: MailRef,
      nullable: true,
      description: 'For operators, from when it was written down on; else null.',
      resolve: async (place, _args, { actor, services }) =>
        actor !== undefined && hasAnyRole(actor, mailReaders)
          ? ((await services.digestStore.mailOf(place)) ?? null)
          : null,
    }),
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
      description: 'The digest in which its answer goes, or went, to its customer. Null for providers.',
      // It holds what other providers answered, too.
      resolve: (request, _args, { actor, services }) =>
        actor === undefined || isMerelyProvider(actor) ? null : services.digestStore.digestOf(request.id, 'ANSWER'),
    }),
    digests: t.field({
      type: [RequestDigestRef],
      complexity: { field: 5, multiplier: 4 },
      description: 'All digests that it is in, of both directions: as new, reminded of, answered, closed. At most 15.',
      resolve: async (request, _args, { actor, services }) => {
        const places = await services.digestStore.placesOf(request.id);
        // A provider sees what goes to it; what customers are told is not its own.
        return actor !== undefined && isMerelyProvider(actor)
          ? places.filter(({ kind }) => kind === 'REQUEST' || kind === 'REMINDER' || kind === 'CANCELLED')
          : places;
      },
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
