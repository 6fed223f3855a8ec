import { expect, test } from 'vitest';
import { RecentCache } from '../../src/domain/recent-cache.ts';

test('the one that was used longest ago goes first', () => {
  const cache = new RecentCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  expect(cache.get('a')).toBe(1);
  cache.set('c', 3);
  expect(cache.get('b')).toBeUndefined();
  expect(cache.get('a')).toBe(1);
  expect(cache.get('c')).toBe(3);
});

test('the sum of the weights is bounded, however few the entries are', () => {
  const cache = new RecentCache<string>(100, 10);
  cache.set('a', 'x', 6);
  cache.set('b', 'y', 4);
  cache.set('c', 'z', 5);
  expect(cache.get('a')).toBeUndefined();
  expect(cache.weight).toBe(9);
  cache.set('c', 'z', 1);
  expect(cache.weight).toBe(5);
});

test('what is too heavy alone is not kept, and throws nothing else out', () => {
  const cache = new RecentCache<string>(100, 10);
  cache.set('a', 'x', 6);
  cache.set('b', 'y', 11);
  expect(cache.get('b')).toBeUndefined();
  expect(cache.get('a')).toBe('x');
});

test('a value that is set again takes the place of the old one', () => {
  const cache = new RecentCache<string>(2);
  cache.set('a', 'x');
  cache.set('a', 'y');
  expect(cache.get('a')).toBe('y');
  expect(cache.size).toBe(1);
});
