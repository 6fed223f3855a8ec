import { digestReaders, requestReaders } from '../../digests/access.ts';
import type {
  DigestEventType,
  DigestItemRecord,
  DigestRecord,
  RecipientRecord,
  RequestEventType,
  RequestRecord,
} from '../../domain/digest.ts';
import {
  catchUpRules,
  digestDirections,
  digestEventTypes,
  digestItemKinds,
  digestStatuses,
  firstItemRules,
  requestEventTypes,
  requestOutcomes,
  requestStatuses,
} from '../../domain/digest.ts';
import { badInput } from '../../domain/errors.ts';
import { effectiveWindow } from '../../domain/schedule/effective-window.ts';
import type { QuietHours, Schedule } from '../../domain/schedule/schedule.ts';
import type { ItemEvent, ItemHistoryPage } from '../../events/item-history.ts';
import { builder } from '../builder.ts';
import { pageArguments, readPage } from '../pages.ts';

export const RequestStatusEnum = builder.enumType('RequestStatus', {
  values: requestStatuses,
  description:
    'RECEIVED waits in a window of its provider, NOTIFIED was sent to it. ANSWERED: its customer has not been told yet. OVERDUE: not answered in time. CLOSED: not answered at all.',
});
export const RequestOutcomeEnum = builder.enumType('RequestOutcome', { values: requestOutcomes });
export const DigestStatusEnum = builder.enumType('DigestStatus', {
  values: digestStatuses,
  description: 'OPEN takes what comes. SEALED has its final content. SKIPPED sent nothing.',
});
const DigestDirectionEnum = builder.enumType('DigestDirection', { values: digestDirections });
const DigestItemKindEnum = builder.enumType('DigestItemKind', { values: digestItemKinds });
const RequestEventTypeEnum = builder.enumType('RequestEventType', { values: requestEventTypes });
const DigestEventTypeEnum = builder.enumType('DigestEventType', { values: digestEventTypes });
export const FirstItemRuleEnum = builder.enumType('FirstItemRule', {
  values: firstItemRules,
  description: 'AT_ONCE: the first request of a window is sent ahead of it, the others when it ends.',
});
export const CatchUpRuleEnum = builder.enumType('CatchUpRule', {
  values: catchUpRules,
  description: 'After an outage of several windows, or a pause: one mail for all of them, or one each.',
});

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
const DigestEventRef = builder.objectRef<ItemEvent>('DigestEvent').implement({
  fields: (t) => ({
    type: t.field({ type: DigestEventTypeEnum, resolve: (event) => event.type as DigestEventType }),
    at: t.expose('at', { type: 'DateTime' }),
    actor: t.exposeString('actor'),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});
const DigestEventConnection = builder.connectionObject(
  { type: DigestEventRef, name: 'DigestEventConnection' },
  { name: 'DigestEventEdge' },
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

export const RequestRef = builder.objectRef<RequestRecord>('Request');
export const DigestRef = builder.objectRef<DigestRecord>('Digest');
export const ProviderRef = builder.objectRef<RecipientRecord>('Provider');
export const CustomerRef = builder.objectRef<RecipientRecord>('Customer');

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
      resolve: async (request, args, { services }) => {
        const { first, after } = readPage(args);
        return toHistory(await services.digestHistory(request.id, first, after ?? null), after);
      },
    }),
  }),
});

const QuietHoursRef = builder.objectRef<QuietHours>('QuietHours').implement({
  fields: (t) => ({
    from: t.string({ resolve: (hours) => toTime(hours.from) }),
    to: t.string({ resolve: (hours) => toTime(hours.to) }),
  }),
});
const WindowRuleRef = builder.objectRef<Schedule>('WindowRule').implement({
  description: 'When windows end: after an interval, or by a cron expression.',
  fields: (t) => ({
    every: t.string({
      nullable: true,
      description: 'An ISO 8601 duration.',
      resolve: ({ rhythm }) => (rhythm.kind === 'interval' ? toDuration(rhythm.milliseconds) : null),
    }),
    anchor: t.string({
      nullable: true,
      description: 'A local time at which a window ends.',
      resolve: ({ rhythm }) => (rhythm.kind === 'interval' ? new Date(rhythm.anchor).toISOString().slice(0, -5) : null),
    }),
    cron: t.string({
      nullable: true,
      resolve: ({ rhythm }) => (rhythm.kind === 'cron' ? rhythm.expression : null),
    }),
  }),
});
const PauseRef = builder.objectRef<NonNullable<RecipientRecord['pause']>>('DigestPause').implement({
  fields: (t) => ({
    since: t.expose('since', { type: 'DateTime' }),
    until: t.expose('until', { type: 'DateTime', nullable: true }),
    by: t.exposeString('by', { nullable: true, description: 'Null for a pause of before this was kept.' }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});
const BounceRef = builder.objectRef<NonNullable<RecipientRecord['bounce']>>('DigestBounce').implement({
  description: 'Its address refused a mail for good. Nothing is sent until it is given an address again.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime' }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});
const FollowUpRuleRef = builder.objectRef<RecipientRecord['followUp']>('FollowUpRule').implement({
  fields: (t) => ({
    businessDays: t.exposeBoolean('businessDays'),
    reminders: t.exposeInt('reminders'),
    everyDays: t.exposeInt('everyDays'),
  }),
});
const WindowRef = builder.objectRef<{ readonly start: number; readonly end: number }>('DigestWindow').implement({
  fields: (t) => ({
    start: t.field({ type: 'DateTime', resolve: (window) => new Date(window.start) }),
    end: t.field({ type: 'DateTime', resolve: (window) => new Date(window.end) }),
  }),
});

ProviderRef.implement({
  description: 'Who answers requests, and gets them by mail, window by window.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    externalId: t.exposeString('externalId'),
    name: t.exposeString('name', { nullable: true }),
    email: t.exposeString('email'),
    timeZone: t.exposeString('timeZone'),
    window: t.field({ type: WindowRuleRef, resolve: (provider) => provider.windows!.schedule }),
    quietHours: t.field({
      type: QuietHoursRef,
      nullable: true,
      resolve: (provider) => provider.windows!.schedule.quietHours,
    }),
    upcomingWindows: t.field({
      type: [WindowRef],
      args: { first: t.arg.int({ defaultValue: 5, description: '1 to 20.' }) },
      description: 'The window of this moment and those that follow.',
      resolve: (provider, { first }) => upcomingWindows(provider, first ?? 5),
    }),
    firstItem: t.expose('firstItem', { type: FirstItemRuleEnum }),
    itemsPerMail: t.exposeInt('itemsPerMail'),
    catchUp: t.expose('catchUp', { type: CatchUpRuleEnum }),
    followUp: t.expose('followUp', { type: FollowUpRuleRef }),
    pause: t.expose('pause', { type: PauseRef, nullable: true }),
    bounce: t.expose('bounce', { type: BounceRef, nullable: true }),
    openRequests: t.int({
      description: 'How many have no answer yet.',
      resolve: async (provider, _args, { services }) => (await services.digestStore.countsOf(provider.id)).openRequests,
    }),
    nextDigestAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next digest with content is due.',
      resolve: async (provider, _args, { services }) => {
        const { nextDigestAt } = await services.digestStore.countsOf(provider.id);
        return nextDigestAt === null ? null : new Date(nextDigestAt);
      },
    }),
  }),
});

CustomerRef.implement({
  description: 'Who submits requests, and gets the answers: at once, or window by window.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    externalId: t.exposeString('externalId'),
    name: t.exposeString('name', { nullable: true }),
    email: t.exposeString('email'),
    timeZone: t.exposeString('timeZone'),
    window: t.field({
      type: WindowRuleRef,
      nullable: true,
      description: 'Null: told at once.',
      resolve: (customer) => customer.windows?.schedule ?? null,
    }),
    quietHours: t.field({
      type: QuietHoursRef,
      nullable: true,
      resolve: (customer) => customer.windows?.schedule.quietHours ?? null,
    }),
    pause: t.expose('pause', { type: PauseRef, nullable: true }),
    bounce: t.expose('bounce', { type: BounceRef, nullable: true }),
  }),
});

const DigestItemRef = builder.objectRef<DigestItemRecord>('DigestItem').implement({
  fields: (t) => ({
    request: t.field({
      type: RequestRef,
      resolve: (item, _args, { services }) => services.digestStore.getRequest(item.requestId),
    }),
    kind: t.expose('kind', { type: DigestItemKindEnum }),
    part: t.exposeInt('part', { description: 'Which of its mails it is in.' }),
  }),
});
const DigestItemConnection = builder.connectionObject(
  { type: DigestItemRef, name: 'DigestItemConnection' },
  { name: 'DigestItemEdge' },
);

DigestRef.implement({
  description: 'What is new for a provider or a customer in one of its windows, sent as one mail (or numbered parts).',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    status: t.expose('status', { type: DigestStatusEnum }),
    direction: t.expose('direction', { type: DigestDirectionEnum }),
    windowStart: t.expose('windowStart', { type: 'DateTime' }),
    windowEnd: t.expose('windowEnd', { type: 'DateTime', description: 'When it is sealed.' }),
    number: t.exposeInt('number', {
      nullable: true,
      description: 'Counts its recipient’s digests, once it is sealed.',
    }),
    itemCount: t.exposeInt('itemCount'),
    parts: t.exposeInt('parts', { nullable: true, description: 'In how many mails it goes.' }),
    held: t.exposeBoolean('held', { description: 'Due, but its recipient is paused, or its mail bounces.' }),
    sealedAt: t.expose('sealedAt', { type: 'DateTime', nullable: true }),
    sentAt: t.expose('sentAt', { type: 'DateTime', nullable: true }),
    failure: t.exposeString('failure', { nullable: true }),
    jobId: t.exposeID('jobId', { description: 'The job whose tasks seal, send and follow it up.' }),
    mergedInto: t.field({
      type: DigestRef,
      nullable: true,
      resolve: (digest, _args, { services }) =>
        digest.mergedInto === null ? null : services.digestStore.getDigest(digest.mergedInto),
    }),
    provider: t.field({
      type: ProviderRef,
      nullable: true,
      description: 'Of those to a provider.',
      resolve: (digest, _args, { services }) =>
        digest.direction === 'TO_PROVIDER' ? services.digestStore.getRecipient(digest.recipientId) : null,
    }),
    customer: t.field({
      type: CustomerRef,
      nullable: true,
      description: 'Of those to a customer.',
      resolve: (digest, _args, { services }) =>
        digest.direction === 'TO_CUSTOMER' ? services.digestStore.getRecipient(digest.recipientId) : null,
    }),
    items: t.field({
      type: DigestItemConnection,
      args: pageArguments,
      description: 'In the order of the mail.',
      resolve: async (digest, args, { services }) => {
        const { first, after } = readPage(args);
        const items = await services.digestStore.itemsOf(digest.id, null, decodeItemCursor(after), first + 1);
        const edges = items.slice(0, first).map((item) => ({ cursor: encodeItemCursor(item), node: item }));
        return toConnection({ edges, hasNextPage: items.length > first }, after);
      },
    }),
    events: t.field({
      type: DigestEventConnection,
      args: pageArguments,
      resolve: async (digest, args, { services }) => {
        const { first, after } = readPage(args);
        return toHistory(await services.digestHistory(digest.id, first, after ?? null), after);
      },
    }),
  }),
});

function upcomingWindows(provider: RecipientRecord, count: number): { start: number; end: number }[] {
  if (count < 1 || count > 20) throw badInput('first', 'must be from 1 to 20');
  const windows: { start: number; end: number }[] = [];
  for (let moment = Date.now(); windows.length < count; moment = windows.at(-1)!.end)
    windows.push(effectiveWindow(provider.windows!, moment));
  return windows;
}

function toTime(minutes: number): string {
  return new Date(minutes * 60_000).toISOString().slice(11, 16);
}

function toDuration(milliseconds: number): string {
  const seconds = milliseconds / 1_000;
  if (seconds % 86_400 === 0) return `P${seconds / 86_400}D`;
  if (seconds % 3_600 === 0) return `PT${seconds / 3_600}H`;
  return seconds % 60 === 0 ? `PT${seconds / 60}M` : `PT${seconds}S`;
}

function encodeItemCursor({ requestId, kind }: DigestItemRecord): string {
  return Buffer.from(`${requestId} ${kind}`).toString('base64url');
}

function decodeItemCursor(cursor: string | undefined): { requestId: string; kind: string } | null {
  if (cursor === undefined) return null;
  const match = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([A-Z_]{1,20})$/.exec(
    Buffer.from(cursor.slice(0, 200), 'base64url').toString('latin1'),
  );
  if (match === null) throw badInput('after', 'is not a cursor of this list');
  return { requestId: match[1]!, kind: match[2]! };
}

function toHistory(page: ItemHistoryPage, after: string | undefined) {
  const edges = page.events.map((event) => ({ cursor: event.cursor, node: event }));
  return toConnection({ edges, hasNextPage: page.hasNextPage }, after);
}

function toConnection<Node>(
  page: { readonly edges: readonly { readonly cursor: string; readonly node: Node }[]; readonly hasNextPage: boolean },
  after: string | undefined,
) {
  return {
    edges: [...page.edges],
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: after !== undefined,
      startCursor: page.edges[0]?.cursor ?? null,
      endCursor: page.edges.at(-1)?.cursor ?? null,
    },
  };
}

const RequestConnection = builder.connectionObject(
  { type: RequestRef, name: 'RequestConnection' },
  { name: 'RequestEdge' },
);
const DigestConnection = builder.connectionObject(
  { type: DigestRef, name: 'DigestConnection' },
  { name: 'DigestEdge' },
);
const ProviderConnection = builder.connectionObject(
  { type: ProviderRef, name: 'ProviderConnection' },
  { name: 'ProviderEdge' },
);
const CustomerConnection = builder.connectionObject(
  { type: CustomerRef, name: 'CustomerConnection' },
  { name: 'CustomerEdge' },
);

const RequestFilter = builder.inputType('RequestFilter', {
  fields: (t) => ({
    status: t.field({ type: [RequestStatusEnum] }),
    providerExternalId: t.string(),
    customerExternalId: t.string(),
    digestId: t.id(),
  }),
});
const DigestFilter = builder.inputType('DigestFilter', {
  fields: (t) => ({
    status: t.field({ type: [DigestStatusEnum] }),
    direction: t.field({ type: DigestDirectionEnum }),
    recipientExternalId: t.string({ description: 'Of a provider or a customer.' }),
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
    resolve: async (_root, { namespace, filter, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const input = { namespace, filter: filter ?? null, first, after: after ?? null };
      return toConnection(await services.listRequests(actor, input), after);
    },
  }),
  digest: t.field({
    type: DigestRef,
    nullable: true,
    authScopes: { roles: requestReaders },
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findDigest(actor, id),
  }),
  digests: t.field({
    type: DigestConnection,
    description: 'Newest first, of both directions. A provider gets its own.',
    authScopes: { roles: requestReaders },
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: DigestFilter }), ...pageArguments },
    resolve: async (_root, { namespace, filter, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const input = { namespace, filter: filter ?? null, first, after: after ?? null };
      return toConnection(await services.listDigests(actor, input), after);
    },
  }),
  providers: t.field({
    type: ProviderConnection,
    description: 'Newest first.',
    authScopes: { roles: digestReaders },
    args: {
      namespace: t.arg.string({ required: true }),
      stopped: t.arg.boolean({ defaultValue: false, description: 'Only those that are paused or bounced.' }),
      ...pageArguments,
    },
    resolve: async (_root, { namespace, stopped, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const input = { namespace, stopped: stopped ?? false, first, after: after ?? null };
      return toConnection(await services.listProviders(actor, input), after);
    },
  }),
  customers: t.field({
    type: CustomerConnection,
    description: 'Newest first.',
    authScopes: { roles: digestReaders },
    args: {
      namespace: t.arg.string({ required: true }),
      stopped: t.arg.boolean({ defaultValue: false, description: 'Only those that are paused or bounced.' }),
      ...pageArguments,
    },
    resolve: async (_root, { namespace, stopped, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const input = { namespace, stopped: stopped ?? false, first, after: after ?? null };
      return toConnection(await services.listCustomers(actor, input), after);
    },
  }),
}));
