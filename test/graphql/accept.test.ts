import { expect, test } from 'vitest';
import { readAccept } from '../../src/graphql/accept.ts';

const json = 'application/json';
const graphql = 'application/graphql-response+json';

test.each<readonly [string | undefined, string | undefined, boolean]>([
  [undefined, json, true],
  ['*/*', json, true],
  ['', undefined, false],
  [json, json, false],
  [graphql, graphql, false],
  [`${graphql}, ${json}`, graphql, false],
  [`${json}, ${graphql}`, json, false],
  [`${json};q=0.5, ${graphql};q=0.9`, graphql, false],
  [`${graphql}; charset=utf-8, ${json}; charset=utf-8`, graphql, false],
  [`${graphql};q=0, ${json}`, json, false],
  [`${json}; charset=latin1`, undefined, false],
  ['application/*', json, false],
  ['Application/JSON', json, false],
  ['text/event-stream', undefined, true],
  [`${graphql}, application/graphql+json, ${json}, text/event-stream, multipart/mixed`, graphql, true],
  ['text/event-stream;q=0, */*', json, true],
  ['text/html', undefined, false],
  ['multipart/mixed', undefined, false],
  [';;,,;q=x', undefined, false],
])('%s', (header, wanted, eventStream) => {
  expect(readAccept(header)).toEqual({ json: wanted, eventStream });
  // The second time comes from memory.
  expect(readAccept(header)).toEqual({ json: wanted, eventStream });
});
