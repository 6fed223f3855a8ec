import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine, testSecret } from '../support/engine.ts';

let engine: TestEngine;
let gateway: Service;
let base: string;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  engine = await startEngine({}, { shards: 2 });
  await engine.startScheduler();
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  const people: [string, string, ...Role[]][] = [
    ['paul', 'acme', 'producer'],
    ['P22', 'acme', 'provider'],
    ['sue', 'acme', 'supervisor'],
    ['bob', 'acme', 'auditor'],
    ['eve', 'other', 'producer', 'supervisor'],
  ];
  for (const [subject, namespace, ...roles] of people)
    tokens[subject] = await issueToken({ subject, namespace, roles, secret: testSecret, expiresInSeconds: 600 });
});
afterAll(async () => {
  await gateway.stop();
  await engine.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of any operation
type Answer = any;

async function ask(who: string, query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens[who]}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

const upsert = `mutation($input: UpsertProviderInput!) { upsertProvider(input: $input) {
  ... on ProviderSaved { provider { id window { every cron anchor } quietHours { from to } pause { reason } openRequests
    nextDigestAt upcomingWindows(first: 2) { start end } } } } }`;
const submit = `mutation($input: SubmitRequestInput!) { submitRequest(input: $input) {
  ... on RequestSubmitted { request { id status digest { id status direction windowStart windowEnd provider { externalId } } } }
  ... on Problem { code message } } }`;

describe('requests and digests over GraphQL', () => {
  it('saves, submits, shows, previews, answers and steers', async () => {
    const provider = { namespace: 'acme', externalId: 'P22', email: 'p22@example.com', timeZone: 'Europe/Vienna' };
    const saved = await ask('paul', upsert, {
      input: { ...provider, window: { every: 'P7D', anchor: '08:00' }, quietHours: { from: '22:00', to: '07:00' } },
    });
    expect(saved.data.upsertProvider.provider).toMatchObject({
      window: { every: 'P7D', cron: null, anchor: '2024-01-01T08:00:00' },
      quietHours: { from: '22:00', to: '07:00' },
      pause: null,
      openRequests: 0,
      nextDigestAt: null,
    });
    const input = {
      namespace: 'acme',
      customer: { externalId: 'c', email: 'c@example.com' },
      providerExternalId: 'P22',
      item: { externalId: 'i' },
      idempotencyKey: 'one',
    };
    const { request } = (await ask('paul', submit, { input })).data.submitRequest;
    expect(request).toMatchObject({
      status: 'RECEIVED',
      digest: { status: 'OPEN', direction: 'TO_PROVIDER', provider: { externalId: 'P22' } },
    });
    expect((await ask('paul', submit, { input })).data.submitRequest.request.id).toBe(request.id);
    const nobody = { ...input, providerExternalId: 'nobody', idempotencyKey: null };
    expect((await ask('paul', submit, { input: nobody })).data.submitRequest.code).toBe('UNKNOWN_PROVIDER');

    const shown = await ask(
      'P22',
      `query($id: ID!, $digest: ID!) {
        request(id: $id) { status timeline { edges { node { type actor } } } }
        digest(id: $digest) { itemCount items(first: 1) { edges { cursor node { kind part request { id } } } pageInfo { hasNextPage } } }
        requests(namespace: "acme", filter: { status: [RECEIVED] }) { edges { node { id } } }
        digests(namespace: "acme", filter: { status: [OPEN] }) { edges { node { id } } } }`,
      { id: request.id, digest: request.digest.id },
    );
    expect(shown.data).toMatchObject({
      request: { status: 'RECEIVED', timeline: { edges: [{ node: { type: 'RECEIVED', actor: 'paul' } }] } },
      digest: { itemCount: 1, items: { edges: [{ node: { kind: 'REQUEST', part: 1, request: { id: request.id } } }] } },
      requests: { edges: [{ node: { id: request.id } }] },
      digests: { edges: [{ node: { id: request.digest.id } }] },
    });
    const preview = await ask('paul', `{ previewDigest(id: "${request.digest.id}") { subject text html to isFinal } }`);
    expect(preview.data.previewDigest).toMatchObject({
      to: 'p22@example.com',
      subject: '1 request for P22',
      isFinal: false,
    });

    const answered = await ask(
      'P22',
      `mutation($id: ID!) { respondToRequests(input: { namespace: "acme", responses: [
        { requestId: $id, outcome: AVAILABLE, note: "soon" }, { requestId: "01a1fb1a-64c8-7000-8000-03a5f31dfca9", outcome: AVAILABLE }] }) {
        ... on ResponsesTaken { results { __typename ... on RequestAnswered { request { status answer { outcome note by } } } ... on Problem { code } } } } }`,
      { id: request.id },
    );
    expect(answered.data.respondToRequests.results).toEqual([
      {
        __typename: 'RequestAnswered',
        request: { status: 'ANSWERED', answer: { outcome: 'AVAILABLE', note: 'soon', by: 'P22' } },
      },
      { __typename: 'RequestUnknown', code: 'REQUEST_UNKNOWN' },
    ]);
    const steer = (operation: string) =>
      ask(
        'sue',
        `mutation { ${operation}(input: { digestId: "${request.digest.id}", reason: "test" }) {
        __typename ... on DigestChanged { digest { status } } ... on DigestNotInState { code status } } }`,
      );
    expect((await steer('resendDigest')).data.resendDigest).toMatchObject({
      code: 'DIGEST_NOT_IN_STATE',
      status: 'OPEN',
    });
    expect((await steer('skipDigest')).data.skipDigest.digest.status).toBe('SKIPPED');
    const providerId = saved.data.upsertProvider.provider.id;
    const paused = await ask(
      'sue',
      `mutation { pauseDigests(input: { providerId: "${providerId}", reason: "holidays", until: "2999-01-01T00:00:00Z" }) {
        ... on DigestPauseChanged { provider { pause { reason until } } } } }`,
    );
    expect(paused.data.pauseDigests.provider.pause).toEqual({ reason: 'holidays', until: '2999-01-01T00:00:00.000Z' });
    const stopped = await ask(
      'sue',
      '{ providers(namespace: "acme", stopped: true) { edges { node { externalId } } } }',
    );
    expect(stopped.data.providers.edges).toHaveLength(1);
    const resumed = await ask('paul', upsert, { input: { ...provider, window: { every: 'P7D' }, paused: false } });
    expect(resumed.data.upsertProvider.provider.pause).toBeNull();
  });

  it('keeps roles and namespaces apart, and says which input is bad', async () => {
    const input = { namespace: 'acme', externalId: 'x', email: 'x@example.com', window: { every: 'P1M' } };
    expect((await ask('paul', upsert, { input })).errors[0].extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.window.every',
    });
    expect((await ask('bob', upsert, { input })).errors[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('eve', upsert, { input })).errors[0].extensions.code).toBe('FORBIDDEN');
    expect(
      (await ask('bob', '{ requests(namespace: "acme") { edges { node { id } } } }')).errors[0].extensions.code,
    ).toBe('FORBIDDEN');
    const flush =
      'mutation { flushDigest(input: { digestId: "01a1fb1a-64c8-7000-8000-03a5f31dfca9" }) { __typename } }';
    expect((await ask('paul', flush)).errors[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('sue', flush)).errors[0].extensions.code).toBe('NOT_FOUND');
  });

  it('tells live what happens to requests, to each what it may see', async () => {
    const { services } = engine.foundation;
    const updates = await services.watchRequests(actor('P22', 'provider'), { namespace: 'acme' });
    const missed = await services.watchRequests(actor('sue', 'supervisor'), {
      namespace: 'acme',
      after: Buffer.from('0:0.0').toString('base64url'),
    });
    await ask('paul', upsert, {
      input: { namespace: 'acme', externalId: 'P99', email: 'p99@example.com', window: { every: 'P7D' } },
    });
    for (const providerExternalId of ['P99', 'P22'])
      await ask('paul', submit, {
        input: {
          namespace: 'acme',
          customer: { externalId: 'l', email: 'l@example.com' },
          providerExternalId,
          item: { externalId: 'live' },
        },
      });
    // What happened just before may be told, too: a watch begins where the events are complete.
    let first = (await updates.next()).value;
    while (first.request.item.externalId !== 'live') {
      expect(first.request.providerExternalId).toBe('P22');
      first = (await updates.next()).value;
    }
    expect(first).toMatchObject({ type: 'RECEIVED', request: { providerExternalId: 'P22' } });
    const types: string[] = [];
    for (let index = 0; index < 4; index++) types.push((await missed.next()).value.type);
    expect(types).toEqual(['RECEIVED', 'ANSWERED', 'RECEIVED', 'RECEIVED']);
    await updates.return?.();
    await missed.return?.();
  });
});
