import { createHmac, timingSafeEqual } from 'node:crypto';

const signatureCharacters = 16;

/**
 * The address to which a mail comes back when it cannot be delivered: one of its own, so that a report names its mail
 * even when it quotes nothing of it, and signed, so that nobody makes one up.
 * @param bouncesTo where such mail is received; its server must hand `name+anything@domain` on as `name@domain`
 */
export function signReturnPath(secret: string, bouncesTo: string, mailId: string): string {
  const at = bouncesTo.lastIndexOf('@');
  const token = mailId.replaceAll('-', '');
  return `${bouncesTo.slice(0, at)}+${token}${signatureOf(secret, token)}${bouncesTo.slice(at)}`;
}

/** The mail that an address names. @returns undefined unless one of the secrets signed it */
export function readReturnPath(secrets: readonly string[], address: string): string | undefined {
  // Servers may change the case of what is before the @.
  const match = /\+([0-9a-f]{32})([0-9a-f]{16})@/.exec(address.toLowerCase());
  if (match === null) return undefined;
  const [, token, signature] = match as unknown as readonly [string, string, string];
  const isSigned = secrets.some((secret) =>
    timingSafeEqual(Buffer.from(signatureOf(secret, token)), Buffer.from(signature)),
  );
  if (!isSigned) return undefined;
  return token.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The first line keeps these signatures apart from whatever else the same secret signs. */
function signatureOf(secret: string, token: string): string {
  return createHmac('sha256', secret)
    .update(`caseload return path, version 1\n${token}`)
    .digest('hex')
    .slice(0, signatureCharacters);
}
