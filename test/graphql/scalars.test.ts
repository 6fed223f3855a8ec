import fc from 'fast-check';
import { parseValue } from 'graphql';
import { describe, expect, test } from 'vitest';
import { base64Scalar, dateTimeScalar, jsonScalar } from '../../src/graphql/scalars.ts';

describe('DateTime', () => {
  test('takes any zone and gives UTC', () => {
    const date = dateTimeScalar.parseValue('2026-01-31T09:00:00.5+01:00');
    expect(dateTimeScalar.serialize(date)).toBe('2026-01-31T08:00:00.500Z');
    expect(dateTimeScalar.serialize('2026-01-31T08:00:00Z')).toBe('2026-01-31T08:00:00.000Z');
    expect(dateTimeScalar.parseValue('2024-02-29T23:59:59z')).toEqual(new Date('2024-02-29T23:59:59Z'));
  });

  test.each([
    '2026-01-31',
    '2026-01-31T08:00:00',
    '2026-01-31 08:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-02-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00+24:00',
    '+012026-01-01T00:00:00Z',
    '2026-1-1T0:0:0Z',
    '',
    'now',
    1_769_846_400_000,
    null,
    {},
    [],
    true,
  ])('refuses %j', (value) => {
    expect(() => dateTimeScalar.parseValue(value)).toThrow(/^DateTime must be/);
  });

  test('every moment comes back the same', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(dateTimeScalar.parseValue(dateTimeScalar.serialize(date))).toEqual(date);
        },
      ),
    );
  });

  test('refuses literals that are no text', () => {
    expect(() => dateTimeScalar.parseLiteral(parseValue('2026'))).toThrow(/^DateTime must be/);
    expect(dateTimeScalar.parseLiteral(parseValue('"2026-01-31T08:00:00Z"'))).toBeInstanceOf(Date);
  });
});

describe('JSON', () => {
  test('takes objects as they are', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ unit: 'grapheme', minLength: 1 }).map((key) => `k${key}`),
          fc.jsonValue({ maxDepth: 5 }),
        ),
        (value) => {
          const wellFormed = JSON.stringify(value).toWellFormed();
          fc.pre(!/\\u0000|\\ud[89a-f]|"(__proto__|constructor|prototype)":/i.test(wellFormed));
          expect(jsonScalar.parseValue(value)).toBe(value);
        },
      ),
    );
  });

  test.each([null, 1, 'text', true, [], [{}], undefined])('refuses %j', (value) => {
    expect(() => jsonScalar.parseValue(value)).toThrow('JSON must be an object');
  });

  test.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s at any depth', (key) => {
    for (const text of [`{"${key}":1}`, `{"a":{"b":[{"${key}":{}}]}}`]) {
      expect(() => jsonScalar.parseValue(JSON.parse(text))).toThrow('JSON must not have the keys');
    }
    expect(() => jsonScalar.parseLiteral(parseValue(`{ a: [{ ${key}: 1 }] }`))).toThrow('JSON must not have the keys');
  });

  test('takes 20 levels and refuses 21', () => {
    const nested = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
    expect(jsonScalar.parseValue(nested(19))).toBeDefined();
    expect(() => jsonScalar.parseValue(nested(20))).toThrow('nested deeper');
    expect(() => jsonScalar.parseLiteral(parseValue(`{ a: ${'['.repeat(30)}1${']'.repeat(30)} }`))).toThrow(
      'nested deeper',
    );
  });

  test.each([{ a: Number.POSITIVE_INFINITY }, { a: 'a\0' }, { 'a\0': 1 }, { a: '\ud83d' }, { a: [() => 1] }])(
    'refuses %j',
    (value) => {
      expect(() => jsonScalar.parseValue(value)).toThrow(/^JSON must/);
    },
  );

  test('reads literals with their variables', () => {
    const literal = parseValue('{ a: 1, b: [true, null, "x"], c: $v }');
    expect(jsonScalar.parseLiteral(literal, { v: { d: 2 } })).toEqual({ a: 1, b: [true, null, 'x'], c: { d: 2 } });
    expect(() => jsonScalar.parseLiteral(literal, { v: JSON.parse('{"__proto__":1}') })).toThrow(
      'JSON must not have the keys',
    );
  });
});

describe('Base64', () => {
  test('all bytes come back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(new Uint8Array(base64Scalar.parseValue(base64Scalar.serialize(bytes)))).toEqual(bytes);
      }),
    );
  });

  test('a view of a part of a buffer gives its part only', () => {
    expect(base64Scalar.serialize(Buffer.from('secret text').subarray(7))).toBe(Buffer.from('text').toString('base64'));
  });

  test.each(['YQ', 'YQ=', 'YQ===', 'YR==', 'Y Q==', 'YQ==\n', '_-8=', 'ü', 7, null, {}])('refuses %j', (value) => {
    expect(() => base64Scalar.parseValue(value)).toThrow(/^Base64 must/);
  });

  test('serialises bytes only', () => {
    expect(() => base64Scalar.serialize('YQ==')).toThrow(TypeError);
  });
});
