import { mkdirSync } from 'node:fs';
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../src/auth/tokens.ts';
import type { Foundation } from '../src/compose.ts';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/config.ts';
import { createGatewayService } from '../src/gateway.ts';
import { createLogger } from '../src/log.ts';
import type { TestEngine } from './support/engine.ts';
import { application, startEngine, testSecret } from './support/engine.ts';
import { uniqueDirectory } from './support/servers.ts';

/** What operators and their tools get to read: enough to find a fault, and nothing of the people. */

const lines: string[] = [];
const log = createLogger('test', 'trace', { write: (line) => void lines.push(line) });

let engine: TestEngine;
let foundation: Foundation;
let url: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine();
  const blobs = uniqueDirectory('blobs');
  mkdirSync(blobs, { recursive: true });
  const config = readConfig({
    DATABASE_URLS: engine.database.url,
    NATS_URL: engine.nats.url,
    AUTH_SECRET: testSecret,
    BLOB_URL: `fs:${blobs}`,
    PORT: '0',
  });
  foundation = await compose(config, log, 'test');
  let port = 0;
  const gateway = createGatewayService(foundation, (listening) => {
    port = listening;
  });
  await gateway.start();
  url = `http://127.0.0.1:${port}/graphql`;
  stop = () => gateway.stop();
});
afterAll(async () => {
  await stop();
  await foundation.close();
  await engine.stop();
});

const secret = 'Zzyzx-Canary';

async function register(name: string): Promise<{ readonly requestId: string; readonly body: string }> {
  const token = await issueToken({
    subject: 'alice',
    namespace: 'acme',
    roles: ['applicant'],
    secret: testSecret,
    expiresInSeconds: 600,
  });
  const applicant = { name, email: `${secret}@example.com`.toLowerCase(), details: { note: secret } };
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'x-request-id': `request-of-${name.length}`,
    },
    body: JSON.stringify({
      query: 'mutation ($input: RegisterInput!) { register(input: $input) { __typename } }',
      variables: { input: { namespace: 'acme', topic: application.topic, applicant } },
    }),
  });
  return { requestId: answer.headers.get('x-request-id')!, body: await answer.text() };
}

describe('the log', () => {
  it('is JSON, line by line, and names the request, the code and the constraint of a fault, but no values', async () => {
    const client = new Client({ connectionString: engine.database.url });
    await client.connect();
    // A fault of ours: the database refuses a row, and says which.
    await client.query(`alter table cases add constraint no_canaries check (applicant_name not like 'Zzyzx%')`);
    const { requestId, body } = await register(secret);
    await client.query('alter table cases drop constraint no_canaries');
    await client.end();
    expect(body).toContain('INTERNAL');
    expect((await register(secret)).body).toContain('CaseRegistered');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const fault = entries.find((entry) => entry.requestId === requestId && entry.level === 50);
    expect(fault).toMatchObject({ name: 'test', err: { code: '23514', constraint: 'no_canaries', table: 'cases' } });
    expect(JSON.stringify(fault)).toContain('src/postgres/shard.ts');
    expect(lines.join('').toLowerCase()).not.toContain(secret.toLowerCase());
  });

  it('names the trace that it belongs to', () => {
    const provider = new NodeTracerProvider();
    provider.register();
    const at = lines.length;
    trace.getTracer('test').startActiveSpan('a request', (span) => {
      log.info('inside');
      span.end();
      expect(JSON.parse(lines[at]!)).toMatchObject({ msg: 'inside', traceId: span.spanContext().traceId });
    });
    trace.disable();
    log.info('outside');
    expect(JSON.parse(lines[at + 1]!)).not.toHaveProperty('traceId');
  });

  it('leaves out what databases, mail servers and addresses say of people', () => {
    const at = lines.length;
    const database = Object.assign(
      new Error(`insert into "mails" ("to") values ('${secret}') - invalid input for "${secret}"`),
      {
        severity: 'ERROR',
        code: '22P02',
        detail: `Failing row contains (${secret})`,
        query: secret,
      },
    );
    log.error({ err: new Error('it failed', { cause: database }) }, 'one');
    log.warn({ err: new Error('550 <zzyzx-canary@example.com>: no such user') }, 'two');
    log.warn(
      { err: Object.assign(new Error('x'), { response: secret, rejected: [secret] }) },
      'to zzyzx-canary@example.com',
    );
    log.info({ token: secret, server: `postgres://caseload:${secret}@db/caseload` }, 'three');
    log.error({ err: secret }, 'four');
    const written = lines.slice(at);
    expect(written).toHaveLength(5);
    expect(written.join('').toLowerCase()).not.toContain(secret.toLowerCase());
    expect(JSON.parse(written[0]!)).toMatchObject({ err: { message: 'it failed', cause: { code: '22P02' } } });
    expect(JSON.parse(written[1]!)).toMatchObject({ err: { message: '550 <[address]>: no such user' } });
  });
});
