import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { GraphQLInterfaceType } from 'graphql';
import { getNamedType, isUnionType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import { createGatewayService } from '../../src/gateway.ts';
import { printOwnSchema, schema } from '../../src/graphql/schema.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';

let engine: TestEngine;
let gateway: Service;
let base: string;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  // The port has to be known before: it is part of the URLs that the gateway hands out.
  engine = await startEngine();
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  const order: [string, string, ...Role[]][] = [
    ['alice', 'acme', 'applicant'],
    ['mallory', 'acme', 'applicant'],
    ['bob', 'acme', 'auditor'],
    ['carol', 'acme', 'auditor'],
    ['olga', '*', 'operator'],
    ['otto', '*', 'operator', 'auditor'],
    ['eve', 'other', 'applicant', 'auditor', 'supervisor'],
  ];
  for (const [subject, namespace, ...roles] of order) {
    tokens[subject] = await issueToken({ subject, namespace, roles, secret: testSecret, expiresInSeconds: 600 });
  }
});
afterAll(async () => {
  await gateway.stop();
  await engine.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of any operation
type Answer = any;

async function ask(who: string | undefined, query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(who === undefined ? {} : { authorization: `Bearer ${tokens[who]}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

const pdf = new Uint8Array(readFileSync(new URL('../fixtures/documents/minimal-document.pdf', import.meta.url)));
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function createUpload(who: string, more: object = {}): Promise<Answer> {
  const input = {
    namespace: 'acme',
    fileName: 'report.pdf',
    contentType: 'application/pdf',
    sizeBytes: pdf.length,
    sha256: digest(pdf),
    ...more,
  };
  const answer = await ask(
    who,
    'mutation($input: CreateUploadInput!) { createUpload(input: $input) { ... on UploadCreated { documentId url method headers { name value } expiresAt } } }',
    { input },
  );
  return answer.errors === undefined ? answer.data.createUpload : answer;
}

/** The URL as a client of this test's gateway reaches it: the port was not known when the configuration was read. */
const reachable = (url: string): string => url.replace(/^http:\/\/[^/]+/, base);

async function upload(who: string): Promise<string> {
  const created = await createUpload(who);
  const response = await fetch(reachable(created.url), {
    method: created.method,
    headers: { 'content-type': 'application/pdf' },
    body: pdf,
  });
  expect(response.status).toBe(200);
  return created.documentId;
}

const registerMutation = `mutation($input: RegisterInput!) { register(input: $input) {
  __typename ... on CaseRegistered { case { id status registrant documents { id kind url sizeBytes } lease { token } } }
  ... on Problem { code message retryable } ... on DocumentNotReady { documentId } } }`;
const register = async (who: string | undefined, more: object = {}): Promise<Answer> =>
  ask(who, registerMutation, {
    input: {
      namespace: 'acme',
      topic: 'http',
      applicant: { name: 'Abbott Laboratories', email: 'office@example.com' },
      ...more,
    },
  });
const claimMutation = `mutation($input: ClaimNextCaseInput!) { claimNextCase(input: $input) {
  __typename ... on CaseClaimed { case { id } lease { token holder } } ... on Problem { code } } }`;
const claim = async (who: string, topic = 'http'): Promise<Answer> =>
  ask(who, claimMutation, { input: { namespace: 'acme', topics: [topic] } });

describe('cases over HTTP', () => {
  it('go from registration with a document to decision', async () => {
    const documentId = await upload('alice');
    const registered = await register('alice', {
      topic: 'whole',
      documents: [{ documentId, kind: 'report' }],
      priority: -3,
    });
    expect(registered.data.register).toMatchObject({
      __typename: 'CaseRegistered',
      case: { status: 'PENDING', registrant: 'alice', documents: [{ id: documentId, kind: 'report' }] },
    });
    const { id, documents } = registered.data.register.case;
    const download = await fetch(reachable(documents[0].url));
    expect(download.status).toBe(200);
    expect(download.headers.get('content-type')).toBe('application/pdf');
    expect(digest(new Uint8Array(await download.arrayBuffer()))).toBe(digest(pdf));
    const claimed = await claim('bob', 'whole');
    expect(claimed.data.claimNextCase).toMatchObject({
      __typename: 'CaseClaimed',
      case: { id },
      lease: { holder: 'bob' },
    });
    const input = {
      caseId: id,
      leaseToken: claimed.data.claimNextCase.lease.token,
      verdict: 'REJECT',
      reason: 'The report is incomplete',
    };
    const decided = await ask(
      'bob',
      'mutation($input: DecideInput!) { decide(input: $input) { ... on CaseDecided { case { status decision { verdict reason decidedBy } } } } }',
      { input },
    );
    expect(decided.data.decide.case).toEqual({
      status: 'REJECTED',
      decision: { verdict: 'REJECT', reason: 'The report is incomplete', decidedBy: 'bob' },
    });
    const seen = await ask(
      'alice',
      'query($id: ID!) { case(id: $id) { status lease { holder } decision { verdict reason decidedBy } events { edges { node { type actor reason } } } } }',
      { id },
    );
    expect(seen.data.case).toMatchObject({
      status: 'REJECTED',
      lease: null,
      decision: { verdict: 'REJECT', reason: null, decidedBy: null },
    });
    expect(JSON.stringify(seen)).not.toMatch(/bob|incomplete/);
  });

  it('keep a lease’s token to its holder', async () => {
    await register('alice', { topic: 'tokens' });
    const claimed = await claim('carol', 'tokens');
    const {
      case: { id },
      lease: { token },
    } = claimed.data.claimNextCase;
    const query = 'query($id: ID!) { case(id: $id) { lease { token holder } } }';
    expect((await ask('carol', query, { id })).data.case.lease).toEqual({ token, holder: 'carol' });
    expect((await ask('bob', query, { id })).data.case.lease).toEqual({ token: null, holder: 'carol' });
    expect((await ask('olga', query, { id })).data.case.lease).toEqual({ token: null, holder: 'carol' });
    const input = { caseId: id, leaseToken: token, reason: 'lunch' };
    expect(
      (
        await ask('carol', 'mutation($input: ReleaseCaseInput!) { releaseCase(input: $input) { __typename } }', {
          input,
        })
      ).data.releaseCase.__typename,
    ).toBe('CaseReleased');
  });

  it('show nothing to other tenants, and to applicants only their own', async () => {
    const { data } = await register('alice', { topic: 'walls' });
    const { id } = data.register.case;
    const query = 'query($id: ID!) { case(id: $id) { id } }';
    const missing = await ask('eve', query, { id: '01a1fb1a-64c8-7000-8000-03a5f31dfca9' });
    for (const who of ['eve', 'mallory']) expect((await ask(who, query, { id })).errors).toEqual(missing.errors);
    expect(missing.errors[0].extensions.code).toBe('NOT_FOUND');
    const list = 'query { cases(namespace: "acme", filter: { topic: "walls" }) { edges { node { registrant } } } }';
    expect((await ask('mallory', list)).data.cases.edges).toEqual([]);
    expect((await ask('alice', list)).data.cases.edges).toEqual([{ node: { registrant: 'alice' } }]);
    expect((await ask('eve', list)).errors[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('olga', list)).data.cases.edges).toHaveLength(1);
  });

  it.each([
    [undefined, 'register', 'UNAUTHENTICATED'],
    ['bob', 'register', 'FORBIDDEN'],
    ['eve', 'register', 'FORBIDDEN'],
    ['alice', 'claim', 'FORBIDDEN'],
    ['olga', 'claim', 'FORBIDDEN'],
    ['otto', 'claim', 'FORBIDDEN'],
    ['eve', 'claim', 'FORBIDDEN'],
  ])('%s may not %s', async (who, verb, code) => {
    const answer = verb === 'register' ? await register(who) : await claim(who as string);
    expect(answer.errors[0].extensions.code).toBe(code);
    expect(answer.data).toBeNull();
  });

  it('page through a list without a gap or a double, in each order', async () => {
    for (let index = 0; index < 7; index++) await register('alice', { topic: 'pages', priority: index % 3 });
    for (const orderBy of ['REGISTERED_ASC', 'REGISTERED_DESC', 'PRIORITY']) {
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const query = `query($after: String) { cases(namespace: "acme", filter: { topic: "pages" }, orderBy: ${orderBy}, first: 3, after: $after) { edges { node { id priority } } pageInfo { hasNextPage endCursor } } }`;
        const { data }: Answer = await ask('bob', query, { after });
        seen.push(...data.cases.edges.map((edge: Answer) => `${edge.node.priority} ${edge.node.id}`));
        after = data.cases.pageInfo.hasNextPage ? data.cases.pageInfo.endCursor : null;
      } while (after !== null);
      expect(new Set(seen).size).toBe(7);
      const ids = seen.map((line) => line.split(' ')[1]);
      if (orderBy === 'PRIORITY') expect(seen).toEqual([...seen].sort());
      else expect(ids).toEqual([...ids].sort((a, b) => (orderBy === 'REGISTERED_ASC' ? 1 : -1) * (a! < b! ? -1 : 1)));
    }
  });

  it('filter a list by status', async () => {
    await register('alice', { topic: 'status' });
    await register('alice', { topic: 'status' });
    const claimed = await claim('bob', 'status');
    const count = async (status: string): Promise<number> =>
      (
        await ask(
          'bob',
          `query { cases(namespace: "acme", filter: { topic: "status", status: [${status}] }) { edges { node { id } } } }`,
        )
      ).data.cases.edges.length;
    expect([await count('PENDING'), await count('CLAIMED'), await count('APPROVED')]).toEqual([1, 1, 0]);
    const input = {
      caseId: claimed.data.claimNextCase.case.id,
      leaseToken: claimed.data.claimNextCase.lease.token,
      verdict: 'APPROVE',
    };
    await ask('bob', 'mutation($input: DecideInput!) { decide(input: $input) { __typename } }', { input });
    expect([await count('PENDING'), await count('CLAIMED'), await count('APPROVED')]).toEqual([1, 0, 1]);
  });
});

describe('register', () => {
  it('answers the same key the same, and refuses it for another request', async () => {
    const documentId = await upload('alice');
    const input = { topic: 'keys', documents: [{ documentId, kind: 'report' }], idempotencyKey: 'register-once' };
    const answers = await Promise.all(Array.from({ length: 4 }, () => register('alice', input)));
    const ids = new Set(answers.map((answer) => answer.data.register.case?.id));
    expect(ids.size).toBe(1);
    expect((await register('alice', { ...input, priority: 9 })).data.register).toMatchObject({
      __typename: 'IdempotencyConflict',
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });

  it('takes a document once, from its uploader only, and only with its bytes', async () => {
    const waiting = (await createUpload('alice')).documentId;
    const mine = await upload('alice');
    const documents = (documentId: string) => ({ topic: 'documents', documents: [{ documentId, kind: 'report' }] });
    expect((await register('alice', documents(waiting))).data.register).toMatchObject({
      code: 'DOCUMENT_NOT_READY',
      documentId: waiting,
      retryable: true,
    });
    expect((await register('mallory', documents(mine))).data.register).toMatchObject({
      code: 'DOCUMENT_NOT_READY',
      message: 'There is no such document of yours',
    });
    const twice = await Promise.all([register('alice', documents(mine)), register('alice', documents(mine))]);
    expect(twice.map((answer) => answer.data.register.__typename).sort()).toEqual([
      'CaseRegistered',
      'DocumentNotReady',
    ]);
  });

  it.each([
    ['input.namespace', { namespace: 'Acme!' }],
    ['input.topic', { topic: 'no topic' }],
    ['input.topic', { topic: '>' }],
    ['input.applicant.name', { applicant: { name: 'x'.repeat(201), email: 'a@b.de' } }],
    ['input.applicant.name', { applicant: { name: 'null\u0000byte', email: 'a@b.de' } }],
    ['input.applicant.name', { applicant: { name: 'turned \u202e around', email: 'a@b.de' } }],
    ['input.applicant.name', { applicant: { name: 'lone \ud800', email: 'a@b.de' } }],
    ['input.applicant.email', { applicant: { name: 'x', email: 'nobody' } }],
    ['input.applicant.details', { applicant: { name: 'x', email: 'a@b.de', details: { text: 'x'.repeat(33_000) } } }],
    ['input.applicant.details.text', { applicant: { name: 'x', email: 'a@b.de', details: { text: '\u0000' } } }],
    [
      'input.documents',
      {
        documents: Array.from({ length: 21 }, () => ({
          documentId: '01a1fb1a-64c8-7000-8000-03a5f31dfca9',
          kind: 'x',
        })),
      },
    ],
    ['input.documents.0.documentId', { documents: [{ documentId: 'x', kind: 'x' }] }],
    ['input.priority', { priority: 2_147_483_648 }],
    ['input.idempotencyKey', { idempotencyKey: 'ä' }],
    ['input.idempotencyKey', { idempotencyKey: 'k'.repeat(129) }],
  ])('refuses a bad %s and stores nothing', async (field, more) => {
    const pool = await engine.foundation.shard.pool();
    const count = async () =>
      (
        await pool.query(
          'select (select count(*) from cases) as cases, (select count(*) from events) as events, (select count(*) from topics) as topics',
        )
      ).rows[0];
    const before = await count();
    const answer = await register('alice', more);
    expect(answer.errors?.[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(await count()).toEqual(before);
  });
});

describe('createUpload', () => {
  it.each([
    ['BAD_USER_INPUT', { contentType: 'text/html' }],
    ['BAD_USER_INPUT', { fileName: '../passwd' }],
    ['BAD_USER_INPUT', { sha256: 'abc' }],
    ['BAD_USER_INPUT', { sizeBytes: 0 }],
    ['PAYLOAD_TOO_LARGE', { sizeBytes: 20_000_001 }],
  ])('answers %s to %j', async (code, more) => {
    expect((await createUpload('alice', more)).errors[0].extensions.code).toBe(code);
  });

  it('hands out URLs that take just what was declared', async () => {
    const created = await createUpload('alice');
    const put = (url: string, body: Uint8Array<ArrayBuffer>, type = 'application/pdf') =>
      fetch(reachable(url), { method: 'PUT', headers: { 'content-type': type }, body });
    const html = new Uint8Array(Buffer.alloc(pdf.length, '<html>'));
    expect((await put(created.url, html)).status).toBeGreaterThanOrEqual(400);
    expect(
      (
        await put(
          created.url.replace(/signature=./, (start: string) => (start.endsWith('0') ? 'signature=1' : 'signature=0')),
          pdf,
        )
      ).status,
    ).toBe(403);
    expect((await put(created.url, pdf)).status).toBe(200);
  });
});

describe('the other paths', () => {
  it('tell the health and count', async () => {
    expect((await fetch(`${base}/livez`)).status).toBe(200);
    expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({ ready: true, postgres: true, nats: true });
    const metrics = await (await fetch(`${base}/metrics`)).text();
    expect(metrics).toMatch(/caseload_http_requests_total\{[^}]*path="graphql",status="2xx"[^}]*\} [1-9]/);
    expect(metrics).toMatch(/caseload_batch_rows_count\{[^}]*statement="register"/);
    expect((await fetch(`${base}/`)).headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${base}/nothing`)).status).toBe(404);
  });
});

describe('schema.graphql', () => {
  it('is the schema', async () => {
    expect(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')).toBe(printOwnSchema());
  });

  it('lets a client ask every mutation for `... on Problem`', () => {
    const problem = schema.getType('Problem') as GraphQLInterfaceType;
    const without = Object.values(schema.getMutationType()!.getFields()).filter(({ type }) => {
      const result = getNamedType(type);
      return !isUnionType(result) || !result.getTypes().some((member) => schema.isSubType(problem, member));
    });
    expect(without.map((field) => field.name)).toEqual([]);
  });
});
