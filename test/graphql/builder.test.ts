import { buildSchema, isNonNullType } from 'graphql';
import { expect, test } from 'vitest';
import { fieldsWithoutRule } from './fields-without-rule.ts';
import { smallSchema } from './small-schema.ts';

test('every root field of the small schema has a rule', () => {
  expect(fieldsWithoutRule(smallSchema)).toEqual([]);
});

test('a root field without a rule is found, on each root', () => {
  const schema = buildSchema('type Query { a: Int } type Mutation { b: Int } type Subscription { c: Int }');
  expect(fieldsWithoutRule(schema)).toEqual(['Query.a', 'Mutation.b', 'Subscription.c']);
});

test('fields are non-null unless they say otherwise, in connections too', () => {
  const typeOf = (type: string, field: string) => {
    const named = smallSchema.getType(type);
    return named !== undefined && 'getFields' in named ? String(named.getFields()[field]?.type) : undefined;
  };
  expect(isNonNullType(smallSchema.getQueryType()?.getFields().hello?.type)).toBe(true);
  expect(typeOf('ThingConnection', 'edges')).toBe('[ThingEdge!]!');
  expect(typeOf('ThingEdge', 'node')).toBe('Thing!');
  expect(typeOf('ThingEdge', 'cursor')).toBe('String!');
  expect(typeOf('ThingConnection', 'pageInfo')).toBe('PageInfo!');
  expect(typeOf('Problem', 'code')).toBe('String!');
  expect(typeOf('Problem', 'message')).toBe('String!');
  expect(typeOf('Problem', 'retryable')).toBe('Boolean!');
  expect(typeOf('Problem', 'retryAfterMs')).toBe('Int');
});
