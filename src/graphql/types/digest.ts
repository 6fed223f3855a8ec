import { requestReaders } from '../../digests/access.ts';
import type { DigestEventType, DigestItemRecord } from '../../domain/digest.ts';
import { badInput } from '../../domain/errors.ts';
import type { ItemEvent } from '../../events/item-history.ts';
import { builder } from '../builder.ts';
import { answerHistory, answerPage, pageArguments } from '../pages.ts';
import {
  CustomerRef,
  DigestDirectionEnum,
  DigestEventTypeEnum,
  DigestItemKindEnum,
  DigestRef,
  DigestStatusEnum,
  ProviderRef,
  RequestRef,
} from './digest-refs.ts';

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
      resolve: (digest, args, { services }) =>
        answerPage(args, async ({ first, after }) => {
          const items = await services.digestStore.itemsOf(digest.id, null, decodeItemCursor(after), first + 1);
          const edges = items.slice(0, first).map((item) => ({ cursor: encodeItemCursor(item), node: item }));
          return { edges, hasNextPage: items.length > first };
        }),
    }),
    events: t.field({
      type: DigestEventConnection,
      args: pageArguments,
      resolve: (digest, args, { services }) =>
        answerHistory(args, (page) => services.digestHistory(digest.id, page.first, page.after)),
    }),
  }),
});

function encodeItemCursor({ requestId, kind }: DigestItemRecord): string {
  return Buffer.from(`${requestId} ${kind}`).toString('base64url');
}

function decodeItemCursor(cursor: string | null): { requestId: string; kind: string } | null {
  if (cursor === null) return null;
  const match = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([A-Z_]{1,20})$/.exec(
    Buffer.from(cursor.slice(0, 200), 'base64url').toString('latin1'),
  );
  if (match === null) throw badInput('after', 'is not a cursor of this list');
  return { requestId: match[1]!, kind: match[2]! };
}

const DigestConnection = builder.connectionObject(
  { type: DigestRef, name: 'DigestConnection' },
  { name: 'DigestEdge' },
);
const DigestFilter = builder.inputType('DigestFilter', {
  fields: (t) => ({
    status: t.field({ type: [DigestStatusEnum] }),
    direction: t.field({ type: DigestDirectionEnum }),
    recipientExternalId: t.string({ description: 'Of a provider or a customer.' }),
  }),
});

builder.queryFields((t) => ({
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
    resolve: (_root, { namespace, filter, ...args }, { actor, services }) =>
      answerPage(args, (page) => services.listDigests(actor, { namespace, filter: filter ?? null, ...page })),
  }),
}));
