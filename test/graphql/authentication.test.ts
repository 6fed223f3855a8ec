import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/errors.ts';
import type { BothWays } from './gateways.ts';
import { post, readError, startBothWays, token } from './gateways.ts';

let ways: BothWays;

beforeAll(async () => {
  ways = await startBothWays();
});

afterAll(async () => {
  await ways.stop();
});

const json = { accept: 'application/json' };
const graphql = { accept: 'application/graphql-response+json' };

async function without(operation: unknown, headers: Readonly<Record<string, string>> = {}) {
  const sent = await post(operation, headers);
  const { authorization: _, ...others } = sent.headers as Record<string, string>;
  return ways.send({ ...sent, headers: others });
}

describe('no token', () => {
  test('is UNAUTHENTICATED where one is needed: 200 as JSON, 401 as a GraphQL response', async () => {
    const answer = await without({ query: '{ hello }' }, json);
    expect(readError(answer)).toMatchObject({ status: 200, code: 'UNAUTHENTICATED' });
    expect(JSON.parse(answer.body).data).toBeNull();
    const unauthenticated = await without({ query: '{ hello }' }, graphql);
    expect(unauthenticated.status).toBe(401);
    expect(unauthenticated.headers['www-authenticate']).toBe('Bearer');
  });

  test('is enough for what is open', async () => {
    expect(JSON.parse((await without({ query: '{ open }' })).body)).toEqual({ data: { open: 'open to all' } });
  });

  test('starts no subscription', async () => {
    const answer = await without({ query: 'subscription { ticks(until: 1) }' }, { accept: 'text/event-stream' });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('"code":"UNAUTHENTICATED"');
    expect(answer.body).not.toContain('"data":{"ticks"');
  });
});

describe('a token that does not hold', () => {
  const wrong = { authorization: 'Bearer wrong' };

  test.each([
    ['JSON', json],
    ['a GraphQL response', graphql],
    ['a stream', { accept: 'text/event-stream' }],
  ])('is 401 for %s, even for what is open', async (_name, headers) => {
    const answer = await ways.send(await post({ query: '{ open }' }, { ...headers, ...wrong }));
    expect(readError(answer)).toMatchObject({
      status: 401,
      code: 'UNAUTHENTICATED',
      message: 'A valid token is needed',
    });
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  test('is 401 by GET', async () => {
    const answer = await ways.send({ method: 'GET', path: '/graphql?query=%7Bopen%7D', headers: wrong });
    expect(answer.status).toBe(401);
  });

  test('is told before the body is read', async () => {
    expect((await ways.send(await post('not JSON', wrong))).status).toBe(401);
  });
});

describe('a token without the role', () => {
  test('is FORBIDDEN and says which roles do', async () => {
    const answer = await ways.send(await post({ query: '{ secret }' }, json));
    expect(readError(answer)).toMatchObject({ status: 200, code: 'FORBIDDEN' });
    expect(readError(answer).message).toContain('operator, supervisor');
    expect(readError(await ways.send(await post({ query: '{ secret }' }, graphql))).status).toBe(403);
  });

  test('one with it passes', async () => {
    const authorization = `Bearer ${await token(['supervisor'])}`;
    const answer = await ways.send(await post({ query: '{ secret }' }, { authorization }));
    expect(JSON.parse(answer.body)).toEqual({ data: { secret: 'for operators' } });
  });
});

test('tokens that cannot be checked are 503 with a time to come back', async () => {
  const closed = await startBothWays({
    authenticate: () => {
      throw new Fault('UNAVAILABLE', 'Tokens cannot be checked right now', { retryAfterMs: 1_000 });
    },
  });
  const answer = await closed.send(await post({ query: '{ open }' }));
  expect(readError(answer)).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
  expect(answer.headers['retry-after']).toBe('1');
  await closed.stop();
});

test('an unknown failure of the check is INTERNAL and lets nobody in', async () => {
  const broken = await startBothWays({ authenticate: () => Promise.reject(new Error('hunter2')) });
  const answer = await broken.send(await post({ query: '{ open }' }));
  expect(readError(answer)).toMatchObject({ status: 500, code: 'INTERNAL' });
  expect(answer.body).not.toContain('hunter2');
  await broken.stop();
});
