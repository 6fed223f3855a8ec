import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startWorker } from '../tasks/task-engine.ts';

const mailbox = uniqueDirectory('mailbox');
let engine: TestEngine;
let gateway: Service;
let base: string;
beforeAll(async () => {
  engine = await startEngine({ CASE_TASKS: 'all', MAIL_FOLDER: mailbox });
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  await startWorker(await engine.another(), engine.foundation.taskHandlers);
});
afterAll(async () => {
  await gateway.stop();
  await engine.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of any operation
type Answer = any;

async function ask(subject: string, role: Role, query: string, variables: object = {}): Promise<Answer> {
  const who = { subject, namespace: 'acme', roles: [role], secret: testSecret, expiresInSeconds: 600 };
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await issueToken(who)}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Answer;
  return errors === undefined ? data : { errors };
}

const pdf = readFileSync(new URL('../../data/documents/pdflatex-4-pages.pdf', import.meta.url));

async function register(): Promise<string> {
  const input = {
    namespace: 'acme',
    fileName: 'report.pdf',
    contentType: 'application/pdf',
    sizeBytes: pdf.length,
    sha256: createHash('sha256').update(pdf).digest('hex'),
  };
  const { createUpload } = await ask(
    'alice',
    'applicant',
    'mutation($input: CreateUploadInput!) { createUpload(input: $input) { ... on UploadCreated { documentId url } } }',
    { input },
  );
  // The gateway of a test does not know its port when it is configured.
  const url = createUpload.url.replace(/^http:\/\/[^/]+/, base);
  const stored = await fetch(url, { method: 'PUT', body: pdf, headers: { 'content-type': 'application/pdf' } });
  expect(stored.status).toBe(200);
  const { register } = await ask(
    'alice',
    'applicant',
    'mutation($input: RegisterInput!) { register(input: $input) { ... on CaseRegistered { case { id } } } }',
    {
      input: {
        namespace: 'acme',
        applicant: { name: 'Zoë', email: 'zoe@example.com' },
        documents: [{ documentId: createUpload.documentId, kind: 'report' }],
      },
    },
  );
  return register.case.id;
}

const caseQuery = `query($id: ID!) { case(id: $id) {
  status jobs { kind status tasks { kind status } }
  documents { check { outcome pageCount scan } }
  auditExport { sha256 sizeBytes url } } }`;

async function decide(caseId: string): Promise<void> {
  const claim = `mutation($id: ID!) { claimCase(input: { caseId: $id }) { ... on CaseClaimed { lease { token } } } }`;
  const leaseToken = (await ask('bob', 'auditor', claim, { id: caseId })).claimCase.lease.token;
  const input = { caseId, leaseToken, verdict: 'APPROVE' };
  const { decide } = await ask(
    'bob',
    'auditor',
    'mutation($input: DecideInput!) { decide(input: $input) { __typename } }',
    { input },
  );
  expect(decide.__typename).toBe('CaseDecided');
}

it('shows a case’s tasks, checks, mails and export to those who may see them', async () => {
  const id = await register();
  await decide(id);
  const seen = async () => (await ask('sue', 'supervisor', caseQuery, { id })).case;
  await expect
    .poll(async () => (await seen()).jobs, { timeout: 15_000 })
    .toEqual([
      {
        kind: 'case-decided',
        status: 'SUCCEEDED',
        tasks: [
          { kind: 'audit-export', status: 'SUCCEEDED' },
          { kind: 'decision-mail', status: 'SUCCEEDED' },
        ],
      },
      {
        kind: 'case-registered',
        status: 'SUCCEEDED',
        tasks: [
          { kind: 'confirmation-mail', status: 'SUCCEEDED' },
          { kind: 'document-check', status: 'SUCCEEDED' },
        ],
      },
    ]);
  const found = await seen();
  expect(found.documents).toEqual([{ check: { outcome: 'SOUND', pageCount: 4, scan: null } }]);
  const trail = await fetch(found.auditExport.url.replace(/^http:\/\/[^/]+/, base));
  expect(trail.headers.get('content-type')).toBe('application/json');
  const bytes = Buffer.from(await trail.arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(found.auditExport.sha256);
  expect(JSON.parse(bytes.toString()).case.id).toBe(id);
  const mails = `query($id: ID) { mails(namespace: "acme", filter: { aboutId: $id, status: [SENT] }, first: 5) {
    edges { node { id to subject attemptCount answer } } pageInfo { hasNextPage } } }`;
  const page = (await ask('olga', 'operator', mails, { id })).mails;
  expect(page.edges.map((edge: Answer) => edge.node.to)).toEqual(['zoe@example.com', 'zoe@example.com']);
  expect(readdirSync(mailbox)).toHaveLength(2);
  // Which of the two was first is up to the workers.
  const decision = page.edges.find((edge: Answer) => edge.node.subject.endsWith('approved'));
  const one = 'query($id: ID!) { mail(id: $id) { html text status } }';
  expect((await ask('olga', 'operator', one, { id: decision.node.id })).mail).toMatchObject({
    status: 'SENT',
    text: expect.stringContaining('approved'),
  });
  // And to nobody else.
  const hers = (await ask('alice', 'applicant', caseQuery, { id })).case;
  expect(hers).toEqual({ status: 'APPROVED', jobs: null, documents: [{ check: null }], auditExport: null });
  expect((await ask('sue', 'supervisor', mails, { id })).errors[0].extensions.code).toBe('FORBIDDEN');
});
