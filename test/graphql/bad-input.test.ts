import type { IntrospectionQuery } from 'graphql';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BothWays } from './gateways.ts';
import { exchange, post, readError, startBothWays, token } from './gateways.ts';
import { counts, secretText } from './small-schema.ts';

let production: BothWays;
let development: BothWays;

beforeAll(async () => {
  production = await startBothWays({ mode: 'production' });
  development = await startBothWays({ mode: 'development' });
});

afterAll(async () => {
  await Promise.all([production.stop(), development.stop()]);
});

const register = 'mutation Register($input: RegisterInput!) { register(input: $input) { __typename } }';

describe('the form of a request', () => {
  const bodies: readonly (readonly [string, string])[] = [
    ['invalid JSON', '{"query":'],
    ['an empty body', ''],
    ['null', 'null'],
    ['a number', '7'],
    ['a batch', '[{"query":"{ hello }"}]'],
    ['an empty batch', '[]'],
    ['no query', '{}'],
    ['a null query', '{"query":null}'],
    ['a query that is no string', '{"query":{"a":1}}'],
    ['variables that are a list', '{"query":"{ hello }","variables":[]}'],
    ['variables that are a string', '{"query":"{ hello }","variables":"{}"}'],
    ['extensions that are a string', '{"query":"{ hello }","extensions":"x"}'],
    ['an operation name that is a number', '{"query":"{ hello }","operationName":7}'],
    ['an unknown parameter', '{"query":"{ hello }","id":"1"}'],
    ['a parameter named __proto__', '{"query":"{ hello }","__proto__":{}}'],
    ['an operation name that is not there', '{"query":"query A { hello }","operationName":"B"}'],
    ['two operations and no name', '{"query":"query A { hello } query B { hello }"}'],
    ['a document without an operation', '{"query":"fragment A on Query { hello }"}'],
  ];

  test.each(bodies)('%s is BAD_REQUEST', async (_name, body) => {
    const expected = body.includes('fragment A') ? 'GRAPHQL_VALIDATION_FAILED' : 'BAD_REQUEST';
    expect(readError(await production.send(await post(body)))).toMatchObject({ status: 400, code: expected });
  });

  test('bytes that are not UTF-8 are BAD_REQUEST', async () => {
    const sent = await post('');
    const body = Buffer.concat([Buffer.from('{"query":"{ hello } #'), Buffer.of(0xff, 0xfe), Buffer.from('"}')]);
    expect(readError(await production.send({ ...sent, body }))).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
  });

  const kinds: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'query=mutation%7Bwait%7D'],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--'],
    ['plain text', { 'content-type': 'text/plain' }, '{"query":"{ hello }"}'],
    ['a bare document', { 'content-type': 'application/graphql' }, '{ hello }'],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }, '{"query":"{ hello }"}'],
    ['a compressed body', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'x'],
    ['no kind at all', { 'content-type': '' }, '{"query":"{ hello }"}'],
  ];

  test.each(kinds)('%s is 415', async (_name, headers, body) => {
    const registered = counts.registered;
    expect(readError(await production.send(await post(body, headers)))).toMatchObject({
      status: 415,
      code: 'BAD_REQUEST',
    });
    expect(counts.registered).toBe(registered);
  });

  test('JSON with its charset is taken', async () => {
    const sent = await post({ query: '{ hello }' }, { 'content-type': 'Application/JSON; charset=UTF-8' });
    expect((await production.send(sent)).status).toBe(200);
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'HEAD'])('%s is 405', async (method) => {
    const answer = await production.send({ method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, POST');
  });

  test('an answer that the client does not take is 406', async () => {
    const sent = await post({ query: '{ hello }' }, { accept: 'text/html' });
    expect(readError(await production.send(sent))).toMatchObject({ status: 406, code: 'BAD_REQUEST' });
  });

  test('a subscription for a client that takes JSON only is 406', async () => {
    const sent = await post({ query: 'subscription { ticks(until: 1) }' }, { accept: 'application/json' });
    expect(readError(await production.send(sent))).toMatchObject({ status: 406, code: 'BAD_REQUEST' });
  });

  test('another path is 404', async () => {
    expect(
      readError(await production.send({ ...(await post({ query: '{ hello }' })), path: '/graphqls' })).status,
    ).toBe(404);
  });
});

describe('the size of a body', () => {
  const operation = (characters: number) =>
    JSON.stringify({ query: '{ hello }', variables: { a: 'x'.repeat(characters) } });

  test('1 MB is taken', async () => {
    const body = operation(1_000_000 - operation(0).length);
    expect(body.length).toBe(1_000_000);
    expect((await production.send(await post(body))).status).toBe(200);
  });

  test('one byte more is PAYLOAD_TOO_LARGE', async () => {
    const body = operation(1_000_001 - operation(0).length);
    expect(readError(await production.send(await post(body)))).toMatchObject({
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    });
  });

  test('so it is when the length is not told beforehand', async () => {
    const sent = await post(operation(3_000_000), { 'transfer-encoding': 'chunked' });
    expect(readError(await production.send(sent))).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
  });
});

describe('queries by GET', () => {
  const get = async (query: Readonly<Record<string, string>>, accept = 'application/json') => ({
    method: 'GET',
    path: `/graphql?${new URLSearchParams(query)}`,
    headers: { authorization: `Bearer ${await token()}`, accept },
  });

  test('a query is answered', async () => {
    const query = { query: 'query A($t: String) { echo(text: $t) }', variables: '{"t":"ü"}', operationName: 'A' };
    expect(JSON.parse((await production.send(await get(query))).body)).toEqual({
      data: { echo: { text: 'ü', times: 1 } },
    });
  });

  test('a question mark may stand in a query', async () => {
    const sent = { ...(await get({})), path: '/graphql?query={echo(text:%22a?b%22)}' };
    expect(JSON.parse((await production.send(sent)).body)).toEqual({ data: { echo: { text: 'a?b', times: 1 } } });
  });

  test('a mutation is 405', async () => {
    const registered = counts.registered;
    const answer = await production.send(
      await get({ query: 'mutation { register(input: { name: "a" }) { __typename } }' }),
    );
    expect(readError(answer)).toMatchObject({ status: 405, code: 'BAD_REQUEST' });
    expect(answer.headers.allow).toBe('POST');
    expect(counts.registered).toBe(registered);
  });

  test.each([
    ['no query', {}],
    ['variables that are not JSON', { query: '{ hello }', variables: '{' }],
    ['variables that are a list', { query: '{ hello }', variables: '[]' }],
    ['an unknown parameter', { query: '{ hello }', callback: 'x' }],
  ])('%s is BAD_REQUEST', async (_name, query) => {
    expect(readError(await production.send(await get(query)))).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
  });

  test('GraphiQL is there in development only', async () => {
    const page = await development.send(await get({}, 'text/html'));
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.body).toContain('"subscriptionsProtocol":"WS"');
    expect((await production.send(await get({}, 'text/html'))).status).toBe(404);
  });
});

describe('documents', () => {
  const refusedBy = async (query: string, ways = production) => readError(await ways.send(await post({ query })));

  test('a syntax error is GRAPHQL_PARSE_FAILED', async () => {
    expect(await refusedBy('{ hello')).toMatchObject({ status: 400, code: 'GRAPHQL_PARSE_FAILED' });
  });

  test.each([
    ['an unknown field', '{ helo }'],
    ['a wrong argument', '{ echo(times: "x") }'],
    ['a missing argument', 'mutation { register { __typename } }'],
    ['an unknown fragment', '{ ...A }'],
    [
      'circular fragments',
      '{ thing { ...A } } fragment A on Thing { self { ...B } } fragment B on Thing { self { ...A } }',
    ],
    ['a fragment that holds itself', '{ thing { ...A } } fragment A on Thing { ...A }'],
  ])('%s is GRAPHQL_VALIDATION_FAILED', async (_name, query) => {
    expect(await refusedBy(query)).toMatchObject({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
  });

  test('suggestions are made in development only', async () => {
    expect((await refusedBy('{ helo }', development)).message).toContain('Did you mean');
    expect((await refusedBy('{ helo }')).message).not.toContain('Did you mean');
    const variables = { query: 'query A($k: FaultKind!) { fails(kind: $k) }', variables: { k: 'NOT_FOUN' } };
    expect(readError(await development.send(await post(variables))).message).toContain('Did you mean');
    expect(readError(await production.send(await post(variables))).message).not.toContain('Did you mean');
  });

  test('introspection is answered in development only', async () => {
    const query = '{ __schema { queryType { name } } }';
    expect((await development.send(await post({ query }))).status).toBe(200);
    // What GraphiQL and generators of code ask; its types of types are deeper than any operation may be.
    const { body } = await development.send(await post({ query: getIntrospectionQuery() }));
    const { data } = JSON.parse(body) as { readonly data: IntrospectionQuery };
    expect(buildClientSchema(data).getType('Query')).toBeDefined();
    expect(await refusedBy(getIntrospectionQuery())).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' });
    expect(await refusedBy(query)).toMatchObject({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
    expect(await refusedBy('{ ...A } fragment A on Query { __type(name: "Thing") { name } }')).toMatchObject({
      code: 'GRAPHQL_VALIDATION_FAILED',
    });
  });
});

describe('input', () => {
  const refused = async (input: unknown) =>
    readError(await production.send(await post({ query: register, variables: { input } })));

  test.each<readonly [string, unknown, string]>([
    ['a number for a text', { name: 7 }, 'input.name'],
    ['nothing for a text', {}, 'input.name'],
    ['null', null, 'input'],
    ['a text for a number', { name: 'a', priority: 'high' }, 'input.priority'],
    ['a fraction', { name: 'a', priority: 1.5 }, 'input.priority'],
    ['2^31', { name: 'a', priority: 2_147_483_648 }, 'input.priority'],
    ['an unknown field', { name: 'a', colour: 'red' }, 'input.colour'],
    ['a wrong item of a list', { name: 'a', tags: ['a', 7] }, 'input.tags.1'],
    ['an object for a text', { name: { toString: 'x' } }, 'input.name'],
    ['a list for an object', [{ name: 7 }], 'input'],
    ['a day that does not exist', { name: 'a', deliverAfter: '2026-02-30T00:00:00Z' }, 'input.deliverAfter'],
    ['bad Base64', { name: 'a', payload: 'a===' }, 'input.payload'],
    ['a list for a JSON object', { name: 'a', details: [] }, 'input.details'],
  ])('%s is BAD_USER_INPUT', async (_name, input, field) => {
    expect(await refused(input)).toMatchObject({ status: 400, code: 'BAD_USER_INPUT', field });
  });

  test.each([
    ['__proto__', '{"name":"a","__proto__":{"priority":1}}'],
    ['constructor', '{"name":"a","constructor":{"priority":1}}'],
    ['__proto__ in JSON', '{"name":"a","details":{"a":{"__proto__":{"b":1}}}}'],
    ['prototype in a list in JSON', '{"name":"a","details":{"a":[{"prototype":1}]}}'],
    ['1e400 in JSON', '{"name":"a","details":{"a":1e400}}'],
    ['1e400 for a number', '{"name":"a","priority":1e400}'],
    ['a null character', '{"name":"a\\u0000"}'],
    ['half a character', '{"name":"\\ud83d"}'],
    ['a null character in JSON', '{"name":"a","details":{"a":"\\u0000"}}'],
    ['a null character in a key', '{"name":"a","details":{"a\\u0000":1}}'],
  ])('%s is BAD_USER_INPUT', async (_name, input) => {
    const body = `{"query":${JSON.stringify(register)},"variables":{"input":${input}}}`;
    const error = readError(await production.send(await post(body)));
    expect(error).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
    expect(error.field).toMatch(/^input/);
    expect(({} as { priority?: number }).priority).toBeUndefined();
  });

  test('text that cannot be stored has the path of the input, too, whatever the variable is called', async () => {
    const query = register.replaceAll('$input', '$i');
    const body = `{"query":${JSON.stringify(query)},"variables":{"i":{"name":"a","tags":["b","\\u0000"]}}}`;
    expect(readError(await production.send(await post(body)))).toMatchObject({ field: 'input.tags.1' });
  });

  test('JSON nested without end is refused before it is walked', async () => {
    const deep = `${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}`;
    for (const text of [deep, deep.replace('1', '"\\u00e4"')]) {
      const body = `{"query":${JSON.stringify(register)},"variables":{"input":{"name":"a","details":${text}}}}`;
      expect(readError(await production.send(await post(body)))).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
    }
  });

  test('the path is that of the input, whatever the variable is called', async () => {
    const query =
      'mutation A($p: Int, $t: String!) { register(input: { name: "a", priority: $p, tags: ["b", $t] }) { __typename } }';
    const answer = await production.send(await post({ query, variables: { p: 'x', t: 7 } }));
    const { errors } = JSON.parse(answer.body) as { errors: { extensions: { field: string } }[] };
    expect(errors.map((error) => error.extensions.field)).toEqual(['input.priority', 'input.tags.1']);
  });

  test('an argument whose variable is null where it must not be names the argument', async () => {
    const query = 'query A($t: Int = 1) { echo(times: $t) }';
    const answer = await production.send(await post({ query, variables: { t: null } }));
    expect(readError(answer)).toMatchObject({ status: 200, code: 'BAD_USER_INPUT', field: 'times' });
  });

  test('a literal that a scalar refuses keeps its code', async () => {
    for (const literal of ['data: { __proto__: 1 }', 'when: "yesterday"', 'bytes: "?"', 'text: "\\u0000"']) {
      expect(readError(await production.send(await post({ query: `{ echo(${literal}) }` })))).toMatchObject({
        status: 400,
        code: 'BAD_USER_INPUT',
      });
    }
  });

  test('a long wrong value does not come back', async () => {
    const answer = await production.send(
      await post({ query: register, variables: { input: { name: 'a', priority: 'x'.repeat(500_000) } } }),
    );
    expect(answer.body.length).toBeLessThan(1_000);
  });
});

describe('faults', () => {
  const json = { accept: 'application/json' };
  const graphql = { accept: 'application/graphql-response+json' };
  const fails = 'query A($kind: FaultKind!) { fails(kind: $kind) }';
  const mustNotFail = 'query A($kind: FaultKind!) { mustNotFail(kind: $kind) }';

  test.each([
    ['NOT_FOUND', 'NOT_FOUND', 200],
    ['BACKPRESSURE', 'BACKPRESSURE', 503],
    ['UNAVAILABLE', 'UNAVAILABLE', 503],
    ['RATE_LIMITED', 'RATE_LIMITED', 429],
    ['BAD_INPUT', 'BAD_USER_INPUT', 400],
    ['ERROR', 'INTERNAL', 500],
  ])('%s without any data is 200 as JSON and has its status as a GraphQL response', async (kind, code, status) => {
    const operation = { query: mustNotFail, variables: { kind } };
    expect(readError(await production.send(await post(operation, json)))).toMatchObject({ status: 200, code });
    const answer = await production.send(await post(operation, graphql));
    expect(readError(answer)).toMatchObject({ status, code });
    expect(answer.headers['content-type']).toBe('application/graphql-response+json; charset=utf-8');
    const { retryAfterMs } = JSON.parse(answer.body).errors[0].extensions;
    expect(answer.headers['retry-after']).toBe(
      retryAfterMs === undefined ? undefined : String(Math.ceil(retryAfterMs / 1_000)),
    );
  });

  test('with some data every answer is 200', async () => {
    const answer = await production.send(await post({ query: fails, variables: { kind: 'UNAVAILABLE' } }, graphql));
    expect(readError(answer)).toMatchObject({ status: 200, code: 'UNAVAILABLE' });
    expect(JSON.parse(answer.body).errors[0]).toMatchObject({ path: ['fails'], extensions: { retryAfterMs: 2_000 } });
  });

  test.each(['ERROR', 'REJECTED'])('an unknown error (%s) says its request and nothing else', async (kind) => {
    const answer = await production.send(
      await post({ query: fails, variables: { kind } }, { 'x-request-id': 'trace-1' }),
    );
    expect(answer.body).not.toContain('hunter2');
    expect(JSON.parse(answer.body).errors).toEqual([
      {
        message: 'Internal error',
        locations: [{ line: 1, column: 30 }],
        path: ['fails'],
        extensions: { code: 'INTERNAL', requestId: 'trace-1' },
      },
    ]);
    const logged = production.fast.lines.filter((line) => line.includes('trace-1') && line.includes(secretText));
    expect(logged.some((line) => line.includes('stack'))).toBe(true);
  });

  test('an answer of ours that does not fit its type is INTERNAL too', async () => {
    expect(readError(await production.send(await post({ query: '{ badTime }' })))).toMatchObject({ code: 'INTERNAL' });
  });

  test('a cause is logged and does not leave', async () => {
    const headers = { 'x-request-id': 'trace-2' };
    const answer = await production.send(await post({ query: fails, variables: { kind: 'UNAVAILABLE' } }, headers));
    expect(answer.body).not.toContain('hunter2');
    expect(production.fast.lines.some((line) => line.includes('trace-2') && line.includes(secretText))).toBe(true);
  });

  test('a refusal of normal life is data', async () => {
    const query = 'mutation { register(input: { name: "taken" }) { ... on Problem { code retryable retryAfterMs } } }';
    const answer = await production.send(await post({ query }, graphql));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      data: { register: { code: 'NAME_TAKEN', retryable: false, retryAfterMs: null } },
    });
  });

  test('no answer names the server', async () => {
    const { headers } = await production.send(await post({ query: '{ hello }' }));
    expect(headers.server ?? headers['x-powered-by']).toBeUndefined();
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toBe('no-store');
  });
});

describe('pages of other origins', () => {
  const preflight = (origin: string) => ({
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  });

  test('a listed origin may send and read', async () => {
    const allowed = await production.send(preflight('https://app.example.com'));
    expect(allowed.status).toBe(204);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example.com');
    const answer = await production.send(await post({ query: '{ hello }' }, { origin: 'https://app.example.com' }));
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
  });

  test('another may not', async () => {
    for (const origin of ['https://evil.example.com', 'null', 'https://app.example.com.evil.example.com']) {
      expect((await production.send(preflight(origin))).headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});

test('a broken host header is no way to a stack', async () => {
  const sent = await post(
    { query: 'subscription { ticks(until: 1) }' },
    { accept: 'text/event-stream', host: '[::::' },
  );
  for (const { port } of [production.fast, production.yoga]) {
    const answer = await exchange(port, sent);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain('at ');
  }
});
