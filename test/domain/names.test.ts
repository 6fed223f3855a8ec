import { describe, expect, it } from 'vitest';
import { parseText } from '../../src/domain/names.ts';

const parse = (value: string): string => parseText('name', value, { charactersMax: 200 });

describe('a text that people wrote', () => {
  it.each([
    ['zero-width spaces', '\u200b\u200b'],
    ['a blank letter of Hangul', '\u3164'],
    ['a blank pattern of Braille', '\u2800'],
    ['a soft hyphen', '\u00ad'],
    ['an accent without a letter', '\u0301'],
    ['a heap of accents', `Z${'\u0301\u0316'.repeat(75)}`],
    ['a mark that turns the direction', 'abc\u202edef'],
    ['a null character', 'a\u0000b'],
    ['half a character', 'a\ud800'],
  ])('is refused with %s', (_what, value) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'name' }));
  });

  it.each(['Ångström', 'नमस्ते', 'Ng\u1ec5n', '山田 太郎', 'مرحبا', '👩\u200d👩\u200d👧', '-', 'ส้มตำ'])(
    'may be %s',
    (value) => {
      expect(parse(`  ${value} `)).toBe(value.normalize('NFC'));
    },
  );
});
