import { expect, it } from 'vitest';
import { signatureFault } from './s3-server.ts';

// The example "GET Object" of Amazon S3's description of Signature Version 4, with its well-known example key.
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
};
const headers = {
  host: 'examplebucket.s3.amazonaws.com',
  range: 'bytes=0-9',
  'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'x-amz-date': '20130524T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
    'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
    'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
};
const then = new Date('2013-05-24T00:00:01Z');

it('checks signatures as S3 does: its published example is right, and nothing else', () => {
  expect(signatureFault('GET', '/test.txt', '', headers, credentials, then)).toBeUndefined();
  expect(signatureFault('PUT', '/test.txt', '', headers, credentials, then)).toBe('SignatureDoesNotMatch');
  expect(signatureFault('GET', '/other.txt', '', headers, credentials, then)).toBe('SignatureDoesNotMatch');
  const otherRange = { ...headers, range: 'bytes=0-10' };
  expect(signatureFault('GET', '/test.txt', '', otherRange, credentials, then)).toBe('SignatureDoesNotMatch');
  expect(signatureFault('GET', '/test.txt', '', headers, credentials, new Date())).toBe('RequestTimeTooSkewed');
});
