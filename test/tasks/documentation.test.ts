import { readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';

const text = readFileSync(new URL('../../docs/tasks.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```graphql\n(.*?)```/gs)].map((match) => match[1]!);

describe('the examples in docs/tasks.md', () => {
  it.each(examples)('can be pasted and sent: %#', (example) => {
    expect(validate(schema, parse(example)).map((error) => error.message)).toEqual([]);
  });
});
