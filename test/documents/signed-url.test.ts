import { expect, it } from 'vitest';
import { signUrl, type UrlGrant, verifyUrl } from '../../src/documents/signed-url.ts';

const secret = 'a secret of the tests, long enough';
const documentId = '0199a2b4-5c6d-7001-8e9f-000000000001';
const otherId = '0199a2b4-5c6d-7001-8e9f-000000000002';
const base = { documentId, namespace: 'acme', expiresAtSeconds: 2_000 };
const upload: UrlGrant = { ...base, method: 'PUT' };
const download: UrlGrant = { ...base, method: 'GET', disposition: 'inline' };
const before = 1_999_999;

/** The path and query that a server sees. */
function targetOf(grant: UrlGrant): string {
  const url = signUrl(secret, 'https://example.com', grant);
  expect(url.startsWith(`https://example.com/documents/${documentId}?`)).toBe(true);
  return url.slice('https://example.com'.length);
}

it('tells the grant that was signed', () => {
  expect(verifyUrl(secret, 'PUT', targetOf(upload), before)).toEqual(upload);
  expect(verifyUrl(secret, 'GET', targetOf(download), before)).toEqual(download);
  expect(verifyUrl(secret, 'HEAD', targetOf(download), before)).toEqual(download);
});

it('is over at its time', () => {
  expect(() => verifyUrl(secret, 'PUT', targetOf(upload), 2_000_000)).toThrow('expired');
  expect(() => verifyUrl(secret, 'GET', targetOf(download), 2_000_000)).toThrow('expired');
});

it('is for one method only', () => {
  expect(() => verifyUrl(secret, 'GET', targetOf(upload), before)).toThrow('signature');
  expect(() => verifyUrl(secret, 'GET', `${targetOf(upload)}&disposition=inline`, before)).toThrow('signature');
  expect(() => verifyUrl(secret, 'PUT', targetOf(download), before)).toThrow('signature');
});

it.each([
  ['another document', (target: string) => target.replace(documentId, otherId)],
  ['another namespace', (target: string) => target.replace('acme', 'other')],
  ['a namespace before the signed one', (target: string) => target.replace('?', '?namespace=other&')],
  ['a later end', (target: string) => target.replace('expires=2000', 'expires=9000')],
  ['another spelling of the end', (target: string) => target.replace('expires=2000', 'expires=02000')],
  ['an end that is no number', (target: string) => target.replace('expires=2000', 'expires=NaN')],
  ['another disposition', (target: string) => target.replace('inline', 'attachment')],
  ['an unknown disposition', (target: string) => target.replace('inline', 'form-data')],
  ['no signature', (target: string) => target.replace(/&signature=.*/, '')],
  ['half a signature', (target: string) => target.slice(0, -32)],
  ['a signature in capitals', (target: string) => target.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase())],
  ['another last digit', (target: string) => `${target.slice(0, -1)}${target.endsWith('0') ? '1' : '0'}`],
  ['no query', (target: string) => target.replace(/\?.*/, '')],
])('refuses %s', (_name, change) => {
  const target = targetOf(download);
  expect(change(target)).not.toBe(target);
  expect(() => verifyUrl(secret, 'GET', change(target), before)).toThrow(
    expect.objectContaining({ code: 'FORBIDDEN' }),
  );
});

it('refuses the signature of another secret', () => {
  expect(() => verifyUrl('another secret of the tests, long too', 'PUT', targetOf(upload), before)).toThrow(
    'signature',
  );
});

it.each([
  '/',
  '/documents/',
  '/documents/1',
  `/documents/${documentId}/`,
  `//documents/${documentId}`,
  `/documents/${documentId.toUpperCase()}`,
  '',
])('knows no document under %j', (target) => {
  expect(() => verifyUrl(secret, 'GET', target, before)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});
