import { describe, expect, it } from 'vitest';
import { createAuthenticator, issueToken } from '../src/auth/tokens.ts';
import { readConfig } from '../src/config.ts';
import { readAnswerPath, signAnswerLink } from '../src/digests/answer-link.ts';
import { signUrl, verifyUrl } from '../src/documents/signed-url.ts';

const earlier = 'the secret of last year, long enough for anything';
const present = 'the secret of this year, long enough for anything';
const foreign = 'the secret of somebody else, long enough as well';
const origin = 'https://example.com';
const documentId = '0199a2b4-5c6d-7001-8e9f-000000000001';
const environment = {
  DATABASE_URLS: 'postgres://db/caseload',
  NATS_URL: 'nats://nats:4222',
  BLOB_URL: 'fs:/documents',
  AUTH_SECRET: present,
};

async function header(secret: string): Promise<string> {
  const token = await issueToken({
    subject: 'alice',
    namespace: 'acme',
    roles: ['auditor'],
    secret,
    expiresInSeconds: 60,
  });
  return `Bearer ${token}`;
}

describe('while a secret is changed', () => {
  it('tokens under both are good, and no others', async () => {
    const authenticate = createAuthenticator(readConfig({ ...environment, AUTH_SECRET_PREVIOUS: earlier }));
    expect(await authenticate(await header(present))).toMatchObject({ subject: 'alice' });
    expect(await authenticate(await header(earlier))).toMatchObject({ subject: 'alice' });
    await expect(async () => authenticate(await header(foreign))).rejects.toThrow();
    const after = createAuthenticator(readConfig(environment));
    await expect(async () => after(await header(earlier))).rejects.toThrow();
  });

  it('links to documents and in mails under both are good, and no others', () => {
    const { urlSecret, urlSecretPrevious } = readConfig({ ...environment, AUTH_SECRET_PREVIOUS: earlier });
    expect([urlSecret, urlSecretPrevious]).toEqual([present, earlier]);
    const grant = { documentId, namespace: 'acme', expiresAtSeconds: 2_000, method: 'PUT' } as const;
    const verify = (secret: string, previous?: string) =>
      verifyUrl(present, 'PUT', signUrl(secret, origin, grant).slice(origin.length), 1_000, previous);
    expect(verify(present, earlier)).toEqual(grant);
    expect(verify(earlier, earlier)).toEqual(grant);
    expect(() => verify(foreign, earlier)).toThrow('signature');
    expect(() => verify(earlier)).toThrow('signature');
    const answer = { digestId: documentId, part: 1, expiresAtSeconds: 2_000 };
    const read = (secret: string, previous?: string) =>
      readAnswerPath(present, signAnswerLink(secret, origin, answer).slice(origin.length), 1_000, previous);
    expect(read(present, earlier)).toMatchObject(answer);
    expect(read(earlier, earlier)).toMatchObject(answer);
    expect(read(foreign, earlier)).toBeUndefined();
    expect(read(earlier)).toBeUndefined();
  });

  it('a secret of its own for URLs has an earlier one of its own, and short ones are refused', () => {
    const own = { ...environment, URL_SECRET: foreign, AUTH_SECRET_PREVIOUS: earlier };
    expect(readConfig(own).urlSecretPrevious).toBeUndefined();
    expect(readConfig({ ...own, URL_SECRET_PREVIOUS: present }).urlSecretPrevious).toBe(present);
    expect(() => readConfig({ ...own, AUTH_SECRET_PREVIOUS: 'short', URL_SECRET_PREVIOUS: 'short' })).toThrow(
      /AUTH_SECRET_PREVIOUS must have[\s\S]*URL_SECRET_PREVIOUS must have/,
    );
  });
});
