import { Fault } from '../domain/errors.ts';
import { parseEmail } from '../domain/names.ts';

/** An address that was checked, with the name that mail programs show. */
export interface MailAddress {
  readonly name: string | undefined;
  readonly email: string;
}

/**
 * Makes an address for a header out of what people wrote. The name loses whatever could end a header or a quoted text:
 * line breaks and other control characters, quotes and angle brackets.
 * @throws Fault `BAD_USER_INPUT` when it is no address
 */
export function toMailAddress(email: string, name?: string | null): MailAddress {
  const shown = toHeaderText(name ?? '', 100)
    .replace(/["<>\\,;:@]/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return { name: shown === '' ? undefined : shown, email: parseEmail('email', email) };
}

/** Reads `address` or `Name <address>`. @returns undefined when it is neither */
export function parseMailAddress(text: string): MailAddress | undefined {
  const [, name, email] = /^([^<>"]*)<([^<>]+)>$/.exec(text) ?? [];
  try {
    return email === undefined ? toMailAddress(text) : toMailAddress(email.trim(), name);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** One line of text for a header: control characters and line separators become spaces. */
export function toHeaderText(text: string, charactersMax: number): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  const characters = [...line];
  return characters.length <= charactersMax ? line : `${characters.slice(0, charactersMax - 1).join('')}…`;
}
