import type { Actor } from '../domain/actor.ts';
import type { DigestRecord, RecipientRecord, RequestRecord } from '../domain/digest.ts';
import type { ItemHistoryPage } from '../events/item-history.ts';
import { createItemHistory } from '../events/item-history.ts';
import { digestReaders, findDigestFor, findRequestFor, requestReaders } from './access.ts';
import type { DigestStore } from './digest-store.ts';
import type { DigestListArguments, Page, RecipientListArguments, RequestListArguments } from './lists.ts';
import { createListDigests, createListRecipients, createListRequests } from './lists.ts';
import type { DigestOperations } from './operate.ts';
import { createDigestOperations } from './operate.ts';
import type { DigestPreview } from './preview.ts';
import { createPreviewDigest } from './preview.ts';
import type { RenderDigest } from './render-digest.ts';
import type { RespondInput, ResponseResult } from './respond.ts';
import { createRespondToRequests } from './respond.ts';
import type { SubmitRequestDependencies, SubmitRequestInput, SubmitRequestResult } from './submit-request.ts';
import { createSubmitRequest } from './submit-request.ts';
import type { RecipientServices } from './upsert-provider.ts';
import type { WatchServices } from './watch-requests.ts';

type Asker = Actor | undefined;

/** What resolvers of requests and digests stand on: one function a verb. Each checks role and namespace itself. */
export interface DigestServices extends ShardDigestServices, RecipientServices, WatchServices {}

/** Reads by id. Who may see what is the callers' business. */
export type DigestReads = Pick<
  DigestStore,
  'getRequest' | 'getDigest' | 'getRecipient' | 'countsOf' | 'digestOf' | 'placesOf' | 'mailOf' | 'itemsOf'
>;

/** The verbs on the requests and digests of one shard. */
export interface ShardDigestServices extends DigestOperations {
  readonly digestStore: DigestReads;
  readonly submitRequest: (actor: Asker, input: SubmitRequestInput) => Promise<SubmitRequestResult>;
  readonly respondToRequests: (actor: Asker, input: RespondInput) => Promise<readonly ResponseResult[]>;
  readonly previewDigest: (actor: Asker, id: string, part: number) => Promise<DigestPreview>;
  readonly findRequest: (actor: Asker, id: string) => Promise<RequestRecord>;
  readonly findDigest: (actor: Asker, id: string) => Promise<DigestRecord>;
  readonly listRequests: (actor: Asker, input: RequestListArguments) => Promise<Page<RequestRecord>>;
  readonly listDigests: (actor: Asker, input: DigestListArguments) => Promise<Page<DigestRecord>>;
  readonly listProviders: (actor: Asker, input: RecipientListArguments) => Promise<Page<RecipientRecord>>;
  readonly listCustomers: (actor: Asker, input: RecipientListArguments) => Promise<Page<RecipientRecord>>;
  /** What happened to a request or a digest. Who may see it is the caller's business. */
  readonly digestHistory: (id: string, first: number, after: string | null) => Promise<ItemHistoryPage>;
}

export interface DigestServiceDependencies extends SubmitRequestDependencies {
  readonly render: RenderDigest;
}

export function createShardDigestServices(dependencies: DigestServiceDependencies): ShardDigestServices {
  const { shard, store } = dependencies;
  return {
    digestStore: store,
    ...createDigestOperations(dependencies),
    respondToRequests: createRespondToRequests(dependencies),
    previewDigest: createPreviewDigest(dependencies),
    submitRequest: createSubmitRequest(dependencies),
    findRequest: (actor, id) => findRequestFor(store, actor, 'id', id, requestReaders),
    findDigest: (actor, id) => findDigestFor(store, actor, 'id', id, [...digestReaders, 'provider']),
    listRequests: createListRequests(shard),
    listDigests: createListDigests(shard),
    listProviders: createListRecipients(shard, 'PROVIDER'),
    listCustomers: createListRecipients(shard, 'CUSTOMER'),
    digestHistory: createItemHistory(shard),
  };
}
