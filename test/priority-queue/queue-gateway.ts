import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of any operation
export type Answer = any;

/** A gateway over a whole engine, and people of the priority queue who talk to it. */
export interface QueueGateway {
  readonly engine: TestEngine;
  readonly url: string;
  token(who: string): string;
  /** One operation; the whole answer. */
  ask(who: string, query: string, variables?: object): Promise<Answer>;
  /** One mutation of the queue; its result. */
  run(who: string, verb: keyof typeof operations, input: object): Promise<Answer>;
  stop(): Promise<void>;
}

const item = `item { id topic state priority payload metadata deliverAfter attempt lastReason originTopic }`;
const problem = '... on Problem { code message retryable }';

const operations = {
  upsertTopic: `mutation($input: UpsertTopicInput!) { upsertTopic(input: $input) { ... on TopicSaved { topic {
    name leaseSeconds maxAttempts ttlSeconds payloadBytesMax maxDepth deadLetterTopic shards history
    backoff { firstSeconds factor capSeconds } } } } }`,
  enqueue: `mutation($input: EnqueueInput!) { enqueue(input: $input) { __typename
    ... on ItemsEnqueued { results { __typename ... on ItemEnqueued { item { id } } ... on DuplicateItem { itemId } ${problem} } }
    ${problem} } }`,
  dequeue: `mutation($input: DequeueInput!) { dequeue(input: $input) { ... on ItemsDequeued {
    items { ${item} lease { token holder acquiredAt expiresAt } } topics { topic returned ready paused } partialShards } } }`,
  ack: `mutation($input: AckInput!) { ack(input: $input) { ... on ItemsAcked { results { __typename ${problem} } } } }`,
  nack: `mutation($input: NackInput!) { nack(input: $input) { ... on ItemsNacked { results { __typename
    ... on ItemReturned { deliverAfter } ... on ItemDeadLettered { deadLetterTopic } ${problem} } } } }`,
  extendItemLease: `mutation($input: ExtendItemLeaseInput!) { extendItemLease(input: $input) { __typename
    ... on LeaseExtended { lease { token expiresAt serverTime } } ${problem} } }`,
  updateItem: `mutation($input: UpdateItemInput!) { updateItem(input: $input) { __typename
    ... on ItemUpdated { ${item} } ${problem} } }`,
  pauseTopic: `mutation($input: PauseTopicInput!) { pauseTopic(input: $input) { ... on TopicSaved { topic {
    pause { since until reason } } } } }`,
  resumeTopic: `mutation($input: ResumeTopicInput!) { resumeTopic(input: $input) { ... on TopicSaved { topic {
    pause { since } } } } }`,
  purgeTopic: `mutation($input: PurgeTopicInput!) { purgeTopic(input: $input) { ... on TopicPurged { dryRun items left } } }`,
  redriveDeadLetters: `mutation($input: RedriveDeadLettersInput!) { redriveDeadLetters(input: $input) {
    ... on DeadLettersRedriven { dryRun items itemIds } } }`,
  setNamespaceLimits: `mutation($input: SetNamespaceLimitsInput!) { setNamespaceLimits(input: $input) {
    ... on NamespaceLimitsSaved { maxDepth maxInFlight enqueuesPerSecond } } }`,
} as const;

/** Verbs that find their namespace by the item. */
const ownNamespace: ReadonlySet<string> = new Set(['updateItem', 'extendItemLease']);

export async function startQueueGateway(scheduler = true): Promise<QueueGateway> {
  const engine = await startEngine();
  if (scheduler) await engine.startScheduler();
  let url = '';
  const gateway = createGatewayService(engine.foundation, (port) => {
    url = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  const people: readonly [string, string, ...Role[]][] = [
    ['paul', 'acme', 'producer'],
    ['cora', 'acme', 'consumer'],
    ['carl', 'acme', 'consumer'],
    ['otto', 'acme', 'operator'],
    ['olga', '*', 'operator'],
    ['bob', 'acme', 'auditor'],
    ['eve', 'other', 'producer', 'consumer', 'operator'],
  ];
  const tokens = new Map<string, string>();
  for (const [subject, namespace, ...roles] of people) {
    const options = { subject, namespace, roles, secret: testSecret, expiresInSeconds: 600 };
    tokens.set(subject, await issueToken(options));
  }
  const ask = async (who: string, query: string, variables: object = {}): Promise<Answer> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens.get(who)}` },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  };
  return {
    engine,
    url,
    token: (who) => tokens.get(who)!,
    ask,
    async run(who, verb, input) {
      const answer = await ask(who, operations[verb], {
        input: ownNamespace.has(verb) ? input : { namespace: 'acme', ...input },
      });
      return answer.data?.[verb] ?? answer.errors[0].extensions;
    },
    async stop() {
      await gateway.stop();
      await engine.stop();
    },
  };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function leasesOf(dequeued: Answer): { itemId: string; leaseToken: string }[] {
  return dequeued.items.map((delivery: Answer) => ({ itemId: delivery.item.id, leaseToken: delivery.lease.token }));
}
