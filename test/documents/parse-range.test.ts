import { expect, it } from 'vitest';
import { parseRange } from '../../src/documents/parse-range.ts';

it.each([
  ['bytes=0-0', { first: 0, last: 0 }],
  ['bytes=10-19', { first: 10, last: 19 }],
  ['bytes=90-', { first: 90, last: 99 }],
  ['bytes=90-1000', { first: 90, last: 99 }],
  ['bytes=-10', { first: 90, last: 99 }],
  ['bytes=-1000', { first: 0, last: 99 }],
  ['bytes=100-', 'OUTSIDE'],
  ['bytes=-0', 'OUTSIDE'],
  [undefined, 'WHOLE'],
  ['bytes=-', 'WHOLE'],
  ['bytes=5-2', 'WHOLE'],
  ['bytes=0-1,5-6', 'WHOLE'],
  ['items=0-1', 'WHOLE'],
  ['bytes=a-b', 'WHOLE'],
  [`bytes=0-${'9'.repeat(400)}`, 'WHOLE'],
])('reads %j of 100 bytes', (header, range) => {
  expect(parseRange(header, 100)).toEqual(range);
});
