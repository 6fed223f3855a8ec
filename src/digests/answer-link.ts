import { createHmac, timingSafeEqual } from 'node:crypto';
import { limits } from '../domain/limits.ts';

/** What the link in a provider's mail opens: one part of one digest, to answer its requests. */
export interface AnswerGrant {
  readonly digestId: string;
  readonly part: number;
  /** Whole seconds since the epoch; the link is good until then. */
  readonly expiresAtSeconds: number;
}

/**
 * Makes the link of a grant. Whoever has it may answer these requests until it expires, so it is as secret as the mail.
 * @param publicUrl how people reach this gateway, without a slash at its end
 */
export function signAnswerLink(secret: string, publicUrl: string, grant: AnswerGrant): string {
  const { digestId, part, expiresAtSeconds } = grant;
  return `${publicUrl}/answer/${digestId}/${part}/${expiresAtSeconds}/${signatureOf(secret, grant)}`;
}

/** When links of a digest that was sealed at a moment end. */
export function answerLinkExpiry(sealedAt: Date): number {
  return Math.floor(sealedAt.getTime() / 1_000) + limits.answerLinkSeconds;
}

/**
 * Reads the path of a link.
 * @param previousSecret the secret before, whose links are good until it is taken away
 * @returns undefined unless its signature was made for it; an expired one is returned with `expired`
 */
export function readAnswerPath(
  secret: string,
  path: string,
  nowMilliseconds: number,
  previousSecret?: string,
): (AnswerGrant & { readonly expired: boolean }) | undefined {
  const match = /^\/answer\/([0-9a-f-]{36})\/([1-9]\d{0,5})\/([1-9]\d{0,11})\/([\w-]{43})$/.exec(path);
  if (match === null) return undefined;
  const grant = { digestId: match[1]!, part: Number(match[2]), expiresAtSeconds: Number(match[3]) };
  const given = Buffer.from(match[4]!);
  const isBy = (key: string): boolean => timingSafeEqual(Buffer.from(signatureOf(key, grant)), given);
  if (!isBy(secret) && (previousSecret === undefined || !isBy(previousSecret))) return undefined;
  return { ...grant, expired: nowMilliseconds >= grant.expiresAtSeconds * 1_000 };
}

/** The first line keeps these signatures apart from whatever else the same secret signs. */
function signatureOf(secret: string, { digestId, part, expiresAtSeconds }: AnswerGrant): string {
  return createHmac('sha256', secret)
    .update(`caseload answer link, version 1\n${JSON.stringify([digestId, part, expiresAtSeconds])}`)
    .digest('base64url');
}
