import { badInput } from './errors.ts';
import { limits } from './limits.ts';

const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
// Control characters, and the marks that turn the direction of text around and make one name look like another.
const hiddenPattern = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
/** What leaves no mark on paper: spaces, ignorable characters, accents without a letter, blank letters of Hangul and Braille. */
const blankPattern = /[\p{Z}\p{C}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** More accents on one letter than any writing has: they cover the lines above and below. */
const heapedPattern = /\p{M}{9}/u;

export function isName(value: string): boolean {
  return namePattern.test(value);
}

/**
 * Takes the name of a namespace or topic.
 * @throws Fault `BAD_USER_INPUT` unless it has 1 to 63 of a-z, 0-9 and '-', not '-' first
 */
export function parseName(field: string, value: string): string {
  if (!namePattern.test(value)) throw badInput(field, "must have 1 to 63 of a-z, 0-9 and '-', and not start with '-'");
  return value;
}

export interface TextRule {
  readonly charactersMax: number;
  readonly charactersMin?: number;
  /** Allows line breaks and tabs. */
  readonly lines?: boolean;
}

/**
 * Takes a text that people wrote: normalised to NFC, trimmed, without hidden or broken characters.
 * @throws Fault `BAD_USER_INPUT` when it is too short, too long or not clean
 */
export function parseText(field: string, value: string, rule: TextRule): string {
  // Counted before any work is done on it: a long text costs nothing.
  if (value.length > rule.charactersMax * 2)
    throw badInput(field, `must have at most ${rule.charactersMax} characters`);
  if (!value.isWellFormed()) throw badInput(field, 'is not well-formed Unicode');
  const text = value.normalize('NFC').trim();
  if (hiddenPattern.test(rule.lines === true ? text.replace(/[\n\r\t]/g, ' ') : text)) {
    throw badInput(field, 'has control or direction characters');
  }
  if (heapedPattern.test(text)) throw badInput(field, 'has more accents on one letter than can be shown');
  if (text !== '' && text.replace(blankPattern, '') === '') throw badInput(field, 'has nothing that can be seen');
  const length = text.length > rule.charactersMax ? [...text].length : text.length;
  if (length > rule.charactersMax) throw badInput(field, `must have at most ${rule.charactersMax} characters`);
  if (text.length < (rule.charactersMin ?? 1)) throw badInput(field, 'must not be empty');
  return text;
}

const emailPattern = /^[^\s@<>"',;:\\()[\]]{1,64}@[^\s@<>"',;:\\()[\]]+\.[^\s@<>"',;:\\()[\].]{2,}$/;

/** Takes an e-mail address: one `@`, a dot in the domain, no white space; the mail server has the last word. */
export function parseEmail(field: string, value: string): string {
  const text = parseText(field, value, { charactersMax: limits.textCharacters });
  if (!emailPattern.test(text)) throw badInput(field, 'is not an e-mail address');
  return text;
}

/** Takes a whole number between two bounds, both allowed. */
export function parseWhole(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw badInput(field, `must be a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Takes an idempotency key: 1 to 128 printable ASCII characters. */
export function parseIdempotencyKey(field: string, value: string | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (value.length > limits.idempotencyKeyCharacters || !/^[\x21-\x7e]+$/.test(value)) {
    throw badInput(field, `must have 1 to ${limits.idempotencyKeyCharacters} printable ASCII characters`);
  }
  return value;
}
