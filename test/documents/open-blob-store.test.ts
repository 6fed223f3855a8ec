import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigError } from '../../src/config.ts';
import { openBlobStore, parseS3Url } from '../../src/documents/open-blob-store.ts';

const s3 = { accessKeyId: 'key', secretAccessKey: 'secret', region: 'eu-test-1' };

it('opens a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  await openBlobStore({ blobUrl: `fs:${join(folder, 'documents')}`, s3: undefined });
  expect((await stat(join(folder, 'documents'))).isDirectory()).toBe(true);
  await rm(folder, { recursive: true });
});

it.each([
  ['http://127.0.0.1:9000/documents', 'http://127.0.0.1:9000', 'documents'],
  ['https://s3.example.com/my.bucket/', 'https://s3.example.com', 'my.bucket'],
  ['https://example.com/storage/s3/documents', 'https://example.com/storage/s3', 'documents'],
  ['s3.eu-test-1.example.com/documents', 'https://s3.eu-test-1.example.com', 'documents'],
])('reads the address %s', async (address, endpoint, bucket) => {
  expect(parseS3Url(address, s3)).toEqual({ endpoint, bucket, ...s3 });
  await openBlobStore({ blobUrl: `s3:${address}`, s3 });
});

it.each([
  'https://s3.example.com',
  'https://s3.example.com/',
  'https://a:b@s3.example.com/documents',
  'https:///x',
  'https://s3.example.com/documents?x=y',
  'https://s3.example.com/UPPER',
])('refuses the address %s', async (address) => {
  await expect(openBlobStore({ blobUrl: `s3:${address}`, s3 })).rejects.toThrow(ConfigError);
});

it('needs credentials for S3, and a known scheme', async () => {
  const blobUrl = 's3:https://s3.example.com/documents';
  await expect(openBlobStore({ blobUrl, s3: undefined })).rejects.toThrow('S3_ACCESS_KEY_ID');
  await expect(openBlobStore({ blobUrl: 'ftp:somewhere', s3 })).rejects.toThrow('fs: or s3:');
});
