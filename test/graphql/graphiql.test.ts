import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { graphiqlOptions } from '../../src/graphql/graphiql.ts';
import { schema } from '../../src/graphql/schema.ts';

test('what the editor shows at first fits the schema', () => {
  expect(validate(schema, parse(graphiqlOptions.defaultQuery ?? ''))).toEqual([]);
});
