import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createDocuments } from '../../src/graphql/documents.ts';
import { smallSchema } from './small-schema.ts';

const place = { requestId: 'test', log: pino({ level: 'silent' }) };

test('a document is prepared once, whether it may run or not', () => {
  const prepare = createDocuments(smallSchema, 'production');
  for (const text of ['{ hello }', '{ helo }', '{', '{ thing { dear { id } } }']) {
    expect(prepare(text, place)).toBe(prepare(text, place));
  }
  expect(prepare('{ hello }', place)).toHaveProperty('document');
  expect(prepare('{ helo }', place)).toHaveProperty('errors');
});

test('a thousand documents are remembered, the one used longest ago is not', () => {
  const prepare = createDocuments(smallSchema, 'production');
  const first = prepare('{ hello }', place);
  const second = prepare('{ open }', place);
  for (let number = 1; number <= 998; number++) prepare(`query A${number} { hello }`, place);
  expect(prepare('{ hello }', place)).toBe(first);
  prepare('query A999 { hello }', place);
  expect(prepare('{ open }', place)).not.toBe(second);
  expect(prepare('{ hello }', place)).toBe(first);
});

test('large documents push others out before they fill the memory', () => {
  const prepare = createDocuments(smallSchema, 'production');
  const first = prepare('{ hello }', place);
  const large = (number: number) => `query A${number} { echo(data: { a: [${'1 '.repeat(1_900)}] }) }`;
  for (let number = 1; number <= 40; number++) prepare(large(number), place);
  expect(prepare(large(40), place)).toBe(prepare(large(40), place));
  expect(prepare('{ hello }', place)).not.toBe(first);
});

test('a text of more than 100,000 characters is not remembered', () => {
  const prepare = createDocuments(smallSchema, 'production');
  const text = `{ hello } #${'x'.repeat(100_000)}`;
  expect(prepare(text, place)).toHaveProperty('document');
  expect(prepare(text, place)).not.toBe(prepare(text, place));
});
