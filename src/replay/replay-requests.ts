import { setTimeout as delay } from 'node:timers/promises';
import { LoadError, pause } from '../load/load-client.ts';
import { createRandom } from '../load/random.ts';
import type { Target } from '../load/run-load.ts';
import type { Comparison, SeenDigest } from './compare-digests.ts';
import { compareDigests } from './compare-digests.ts';
import { digestKey, planReplay } from './plan-replay.ts';
import type { PurchaseRequest } from './purchase-requests.ts';
import type { Answer } from './replay-client.ts';
import { ReplayClient } from './replay-client.ts';

/** One window of the file. */
const fileWindowMilliseconds = 4 * 3_600_000;
/**
 * Within its window a request comes at the same share as in the file, but early enough: what is submitted at the very
 * end belongs to the next window if it takes a moment longer, rightly so.
 */
const earliestShare = 0.02;
const latestShare = 0.6;
const submittersMax = 32;
const settleMilliseconds = 60_000;
const pollMilliseconds = 250;

export interface ReplayOptions {
  readonly requests: readonly PurchaseRequest[];
  readonly namespace: string;
  /** How long a window lasts here, which lasts four hours in the file. */
  readonly windowSeconds: number;
  readonly seed: number;
  readonly onProgress: (submitted: number, sent: number) => void;
}

export interface ReplayResult extends Comparison {
  readonly submitted: number;
  readonly providers: number;
  readonly windows: number;
  readonly seconds: number;
  /** How much faster than in the file time went by. */
  readonly speed: number;
  readonly retries: number;
}

/**
 * Submits the requests of a file through the API, many times as fast as they came, waits for their digests, and compares
 * these with a plain calculation over the file.
 * @throws LoadError when an operation is refused, or nobody answers in time
 */
export async function replayRequests(target: Target, options: ReplayOptions): Promise<ReplayResult> {
  const { requests, namespace, windowSeconds, seed, onProgress } = options;
  const plan = planReplay(requests, fileWindowMilliseconds);
  const random = createRandom(seed, 'replay');
  const client = await ReplayClient.open(target, namespace, submittersMax + 4, random);
  const startedAt = performance.now();
  try {
    const providers = [...new Set(requests.map((request) => request.provider))];
    await Promise.all(providers.map((provider) => saveProvider(client, namespace, provider, windowSeconds)));
    const windowMs = windowSeconds * 1_000;
    // Windows of whole seconds end where whole numbers of them have passed since the default anchor, a midnight in UTC.
    const anchor = Date.UTC(2024, 0, 1);
    const zero = anchor + Math.ceil((Date.now() + 500 - anchor) / windowMs) * windowMs;
    const lineOf = new Map<string, number>();
    let sent = 0;
    const watch = new AbortController();
    const watching = (async () => {
      while (!watch.signal.aborted) {
        sent = await countSent(client, namespace);
        onProgress(lineOf.size, sent);
        await pause(pollMilliseconds * 2, watch.signal);
      }
    })();
    try {
      await submitAll(
        client,
        namespace,
        plan.steps,
        (window, share) => {
          const within = earliestShare + share * (latestShare - earliestShare);
          return zero + (window + within) * windowMs;
        },
        (id, line) => {
          lineOf.set(id, line);
          onProgress(lineOf.size, sent);
        },
      );
      await delay(Math.max(0, zero + plan.windowCount * windowMs - Date.now()));
      await waitUntilSettled(client, namespace);
    } finally {
      watch.abort();
      await watching;
    }
    onProgress(lineOf.size, await countSent(client, namespace));
    const seen = await readDigests(client, namespace, lineOf, (start) => Math.round((start - zero) / windowMs));
    const seconds = (performance.now() - startedAt) / 1_000;
    return {
      ...compareDigests(plan, seen),
      submitted: lineOf.size,
      providers: providers.length,
      windows: plan.windowCount,
      seconds,
      speed: fileWindowMilliseconds / windowMs,
      retries: client.retries,
    };
  } finally {
    client.close();
  }
}

async function saveProvider(client: ReplayClient, namespace: string, provider: string, seconds: number): Promise<void> {
  const input = {
    namespace,
    externalId: provider,
    name: `Provider ${provider}`,
    email: `${provider.toLowerCase()}@provider.example`,
    window: { every: `PT${seconds}S` },
    catchUp: 'EACH',
  };
  await client.ask(
    'mutation($input: UpsertProviderInput!) { upsertProvider(input: $input) { __typename } }',
    { input },
    Date.now() + settleMilliseconds,
  );
}

type Steps = ReturnType<typeof planReplay>['steps'];

/** Submits each request at its time, many at once; one that is not answered is sent again under its key. */
async function submitAll(
  client: ReplayClient,
  namespace: string,
  steps: Steps,
  timeOf: (window: number, share: number) => number,
  onSubmitted: (id: string, line: number) => void,
): Promise<void> {
  let next = 0;
  const submitter = async (): Promise<void> => {
    for (let step = steps[next++]; step !== undefined; step = steps[next++]) {
      const wait = timeOf(step.window, step.share) - Date.now();
      if (wait > 0) await delay(wait);
      onSubmitted(await submit(client, namespace, step.request), step.request.line);
    }
  };
  await Promise.all(Array.from({ length: Math.min(submittersMax, steps.length) }, submitter));
}

const submitOperation = `mutation($input: SubmitRequestInput!) { submitRequest(input: $input) {
  __typename ... on RequestSubmitted { request { id } } ... on Problem { code message } } }`;

async function submit(client: ReplayClient, namespace: string, request: PurchaseRequest): Promise<string> {
  const input = {
    namespace,
    customer: { externalId: request.customer, email: `${request.customer}@customer.example` },
    providerExternalId: request.provider,
    item: { externalId: request.item, description: request.description, quantity: request.quantity },
    idempotencyKey: `line-${request.line}`,
  };
  const { submitRequest } = await client.ask(submitOperation, { input }, Date.now() + settleMilliseconds);
  if (submitRequest.__typename !== 'RequestSubmitted')
    throw new LoadError(`${submitRequest.code}: ${submitRequest.message}`);
  return submitRequest.request.id;
}

const listOperation = `query($namespace: String!, $status: [DigestStatus!], $after: String) {
  digests(namespace: $namespace, first: 100, after: $after, filter: { status: $status }) {
    edges { node { id status windowStart parts itemCount provider { externalId } } } pageInfo { hasNextPage endCursor } } }`;

async function listDigests(
  client: ReplayClient,
  namespace: string,
  status: readonly string[] | null,
): Promise<Answer[]> {
  const nodes: Answer[] = [];
  for (let after: string | null = null; ; ) {
    const variables = { namespace, status, after };
    const { digests }: Answer = await client.ask(listOperation, variables, Date.now() + settleMilliseconds);
    for (const edge of digests.edges) nodes.push(edge.node);
    if (!digests.pageInfo.hasNextPage) return nodes;
    after = digests.pageInfo.endCursor;
  }
}

async function countSent(client: ReplayClient, namespace: string): Promise<number> {
  const sent = await listDigests(client, namespace, ['SENT']);
  return sent.reduce((sum, digest) => sum + digest.itemCount, 0);
}

async function waitUntilSettled(client: ReplayClient, namespace: string): Promise<void> {
  const deadline = Date.now() + settleMilliseconds;
  for (;;) {
    const open = await listDigests(client, namespace, ['OPEN', 'SEALED', 'SENDING']);
    if (open.length === 0 || Date.now() > deadline) return; // what is open still shows in the comparison
    await delay(pollMilliseconds);
  }
}

const digestOperation = `query($id: ID!, $namespace: String!, $after: String) {
  digest(id: $id) { items(first: 100, after: $after) { edges { node { request { id } } } pageInfo { hasNextPage endCursor } } }
  mails(namespace: $namespace, first: 20, filter: { aboutId: $id }) { edges { node { status } } } }`;

async function readDigests(
  client: ReplayClient,
  namespace: string,
  lineOf: ReadonlyMap<string, number>,
  windowOf: (start: number) => number,
): Promise<SeenDigest[]> {
  const seen: SeenDigest[] = [];
  for (const digest of await listDigests(client, namespace, null)) {
    const lines: number[] = [];
    let mails: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const variables = { id: digest.id, namespace, after };
      const answer: Answer = await client.ask(digestOperation, variables, Date.now() + settleMilliseconds);
      // One that was never answered to us is none of the file's lines.
      for (const edge of answer.digest.items.edges) lines.push(lineOf.get(edge.node.request.id) ?? 0);
      mails = answer.mails.edges.map((edge: Answer) => edge.node.status);
      after = answer.digest.items.pageInfo.endCursor;
      more = answer.digest.items.pageInfo.hasNextPage;
    }
    seen.push({
      key: digestKey(digest.provider.externalId, windowOf(Date.parse(digest.windowStart))),
      status: digest.status,
      parts: digest.parts ?? 0,
      lines,
      mails,
    });
  }
  return seen;
}
