import { buildSchema, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countCost, findExcess, findFragments } from '../../src/graphql/query-limits.ts';
import type { BothWays } from './gateways.ts';
import { post, readError, startBothWays } from './gateways.ts';

let ways: BothWays;

beforeAll(async () => {
  ways = await startBothWays({ mode: 'production' });
});

afterAll(async () => {
  await ways.stop();
});

const send = async (query: string, variables?: unknown) => ways.send(await post({ query, variables }));
const refused = { status: 400, code: 'QUERY_TOO_COMPLEX' };

function nested(levels: number): string {
  return `{ thing ${'{ self '.repeat(levels - 2)}{ id }${' }'.repeat(levels - 2)} }`;
}

describe('attacks', () => {
  test('10 levels are answered, 11 are not', async () => {
    expect((await send(nested(10))).status).toBe(200);
    expect(readError(await send(nested(11)))).toMatchObject(refused);
  });

  test('levels hidden in fragments count', async () => {
    const inner = Array.from({ length: 9 }, (_, n) => `fragment F${n} on Thing { self { ...F${n + 1} } }`).join(' ');
    expect(readError(await send(`{ thing { ...F0 } } ${inner} fragment F9 on Thing { id }`))).toMatchObject(refused);
    const inline = `{ thing { ${'... on Thing { self { '.repeat(9)} id ${'} }'.repeat(9)} } }`;
    expect(readError(await send(inline))).toMatchObject(refused);
  });

  test.each([600, 2_000, 20_000])('a document %i levels deep is refused without falling over', async (levels) => {
    expect(readError(await send(nested(levels)))).toMatchObject(refused);
  });

  test('nesting that is no field does no harm', async () => {
    const inline = `{ thing { ${'... { '.repeat(600)} id ${'} '.repeat(600)} } }`;
    expect((await send(inline)).status).toBe(200);
    const list = `{ echo(data: { a: ${'['.repeat(900)}${']'.repeat(900)} }) }`;
    expect(readError(await send(list))).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
    const type = `query A($a: ${'['.repeat(900)}Int${']'.repeat(900)}) { hello }`;
    expect((await send(type)).status).toBe(400);
  });

  test('30 aliases are answered, 31 are not', async () => {
    const aliases = (count: number) => `{ ${Array.from({ length: count }, (_, n) => `a${n}: hello`).join(' ')} }`;
    expect((await send(aliases(30))).status).toBe(200);
    expect(readError(await send(aliases(31)))).toMatchObject(refused);
    expect(readError(await send(aliases(10_000)))).toMatchObject(refused);
  });

  test('aliases of __typename count, and those of fragments as often as they are used', async () => {
    const typenames = Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(' ');
    expect(readError(await send(`{ ${typenames} }`))).toMatchObject(refused);
    expect(readError(await send(`{ thing { ...A } } fragment A on Thing { ${typenames} }`))).toMatchObject(refused);
    const eleven = Array.from({ length: 11 }, (_, n) => `b${n}: id`).join(' ');
    const used = `{ thing { ...A self { ...A self { ...A } } } } fragment A on Thing { ${eleven} }`;
    expect(readError(await send(used))).toMatchObject(refused);
  });

  test('2,000 tokens are taken, 2,001 and 20,000 are not', async () => {
    const tokens = (count: number) => `{ echo(data: { a: [${'1 '.repeat(count - 13)}] }) }`;
    expect((await send(tokens(2_000))).status).toBe(200);
    expect(readError(await send(tokens(2_001)))).toMatchObject(refused);
    expect(readError(await send(tokens(20_000)))).toMatchObject(refused);
    expect(readError(await send(`{ thing { ${'id '.repeat(20_000)} } }`))).toMatchObject(refused);
  });

  test('the same field 1,900 times is refused when comparing it takes too long', async () => {
    expect(readError(await send(`{ thing { ${'id '.repeat(1_900)} } }`))).toMatchObject(refused);
  });

  test('more than 30 fields at the root are refused, without aliases too', async () => {
    expect(readError(await send(`{ ${'hello '.repeat(31)} }`))).toMatchObject(refused);
    expect((await send(`{ ${'hello '.repeat(30)} }`)).status).toBe(200);
  });

  test('fragments that double at each step end at once', async () => {
    const steps = Array.from({ length: 100 }, (_, n) => `fragment F${n} on Thing { ...F${n + 1} ...F${n + 1} }`).join(
      ' ',
    );
    const started = performance.now();
    expect((await send(`{ thing { ...F0 } } ${steps} fragment F100 on Thing { id }`)).status).toBe(200);
    const aliased = `{ thing { ...F0 } } ${steps} fragment F100 on Thing { a: id }`;
    expect(readError(await send(aliased))).toMatchObject(refused);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('the same field hundreds of times is validated in good time', async () => {
    const started = performance.now();
    const query = `{ thing { ${'self { id name } '.repeat(300)} } }`;
    expect((await send(query)).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('cost', () => {
  const list = (first: string) => `things(first: ${first}) { edges { node { id self { id } } } }`;

  test('a page counts as often as it is long', async () => {
    expect((await send(`{ ${list('100')} }`)).status).toBe(200);
    expect(readError(await send(`{ things(first: 100) { edges { node { ${list('100')} } } } }`))).toMatchObject(
      refused,
    );
    expect((await send(`{ things(first: 10) { edges { node { ${list('10')} } } } }`)).status).toBe(200);
  });

  test('so it does when a variable says how long', async () => {
    const query = `query A($n: Int!, $m: Int = 10) { things(first: $n) { edges { node { ${list('$m')} } } } }`;
    expect((await send(query, { n: 5 })).status).toBe(200);
    expect(readError(await send(query, { n: 100 }))).toMatchObject(refused);
    expect(readError(await send(query, { n: 5, m: 100 }))).toMatchObject(refused);
    expect((await send(query, { n: 5, m: 1 })).status).toBe(200);
  });

  test('a page of more than 100 is an input fault, and so is a negative one', async () => {
    for (const first of [101, -1]) {
      const answer = await send('query A($n: Int) { things(first: $n) { edges { cursor } } }', { n: first });
      expect(readError(answer)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'first' });
    }
  });

  test('a field may declare what it costs', async () => {
    expect(readError(await send('{ thing { dear { id } } }'))).toMatchObject(refused);
  });

  test('scalars cost nothing, objects one, lists ten times what is inside', () => {
    const schema = buildSchema('type Query { a: String b: Query c: [Query!]! }');
    const count = (query: string) => {
      const document = parse(query);
      const operation = document.definitions[0];
      if (operation?.kind !== 'OperationDefinition') throw new Error('not an operation');
      return countCost({ schema, operation, fragments: findFragments(document), variables: undefined }).complexity;
    };
    expect(count('{ a }')).toBe(0);
    expect(count('{ a b { a } }')).toBe(1);
    expect(count('{ c { b { a } b { b { a } } } }')).toBe(1 + 10 * 3);
    expect(count('{ ...F } fragment F on Query { b { a } }')).toBe(1);
    expect(count('{ __typename }')).toBe(0);
  });
});

test('a circular document is measured to its end', () => {
  const document = parse('{ ...A } fragment A on Query { a { ...B } } fragment B on Query { a { ...A } }');
  expect(findExcess(document, findFragments(document))).toBeUndefined();
});

test('no refusal tells the limit', async () => {
  const messages = await Promise.all(
    [nested(11), nested(2_000), '{ thing { dear { id } } }'].map((query) => send(query)),
  );
  for (const answer of messages) expect(readError(answer).message).not.toMatch(/\d/);
});
