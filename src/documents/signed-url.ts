import { createHmac, timingSafeEqual } from 'node:crypto';
import { Fault, forbidden } from '../domain/errors.ts';

export type Disposition = 'inline' | 'attachment';

interface GrantBase {
  readonly documentId: string;
  readonly namespace: string;
  /** Whole seconds since the epoch; the URL is good until then. */
  readonly expiresAtSeconds: number;
}

/** What a signed URL allows: to store the bytes of one document, or to read them. */
export type UrlGrant =
  | (GrantBase & { readonly method: 'PUT' })
  | (GrantBase & { readonly method: 'GET'; readonly disposition: Disposition });

/**
 * Makes the URL of a grant. Whoever has it may use it until it expires, so it is as secret as what it opens.
 * @param publicUrl how clients reach this gateway, without a slash at its end
 */
export function signUrl(secret: string, publicUrl: string, grant: UrlGrant): string {
  const query = new URLSearchParams({ namespace: grant.namespace, expires: String(grant.expiresAtSeconds) });
  if (grant.method === 'GET') query.set('disposition', grant.disposition);
  query.set('signature', signatureOf(secret, grant).toString('hex'));
  return `${publicUrl}/documents/${grant.documentId}?${query}`;
}

/**
 * Tells what the URL of a request allows.
 * @param method the request's own; a grant to read covers GET and HEAD, a grant to store covers PUT, and no other
 * @param target the request's path and query
 * @param previousSecret the secret before, whose URLs are good until it is taken away
 * @throws Fault `NOT_FOUND` when it is not the path of a document, `FORBIDDEN` when the signature is missing, was not
 * made for this request, or has expired
 */
export function verifyUrl(
  secret: string,
  method: 'PUT' | 'GET' | 'HEAD',
  target: string,
  nowMilliseconds: number,
  previousSecret?: string,
): UrlGrant {
  const [, documentId, search] = /^\/documents\/([0-9a-f-]{36})(?:\?(.*))?$/.exec(target) ?? [];
  if (documentId === undefined) throw new Fault('NOT_FOUND', 'There is no document under this path');
  const query = new URLSearchParams(search);
  const grant = claimedGrant(method === 'PUT' ? 'PUT' : 'GET', documentId, query);
  const signature = query.get('signature') ?? '';
  // Only one spelling of a signature is good: 64 lower-case digits.
  if (grant === undefined || !/^[0-9a-f]{64}$/.test(signature)) throw wrongSignature();
  const given = Buffer.from(signature, 'hex');
  const isBy = (key: string): boolean => timingSafeEqual(signatureOf(key, grant), given);
  if (!isBy(secret) && (previousSecret === undefined || !isBy(previousSecret))) throw wrongSignature();
  if (nowMilliseconds >= grant.expiresAtSeconds * 1000) throw forbidden('This URL has expired; ask for a new one');
  return grant;
}

function claimedGrant(method: 'PUT' | 'GET', documentId: string, query: URLSearchParams): UrlGrant | undefined {
  const expires = query.get('expires') ?? '';
  if (!/^[1-9]\d{0,11}$/.test(expires)) return undefined;
  const base = { documentId, namespace: query.get('namespace') ?? '', expiresAtSeconds: Number(expires) };
  if (method === 'PUT') return { ...base, method };
  const disposition = query.get('disposition');
  return disposition === 'inline' || disposition === 'attachment' ? { ...base, method, disposition } : undefined;
}

/** The first line keeps these signatures apart from whatever else the same secret signs. */
function signatureOf(secret: string, grant: UrlGrant): Buffer {
  const parts = [
    grant.method,
    grant.documentId,
    grant.namespace,
    grant.expiresAtSeconds,
    grant.method === 'GET' ? grant.disposition : '',
  ];
  return createHmac('sha256', secret)
    .update(`caseload document URL, version 1\n${JSON.stringify(parts)}`)
    .digest();
}

function wrongSignature(): Fault {
  return forbidden('The signature of this URL was not made for this request');
}
