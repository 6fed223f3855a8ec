import { once } from 'node:events';
import { createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BlobStoreError } from '../../src/documents/blob-store.ts';
import { openS3BlobStore } from '../../src/documents/s3-blob-store.ts';
import { type S3Server, startS3Server } from './s3-server.ts';
import { inChunks, pdf, sha256Hex } from './sample-documents.ts';

const description = { sizeBytes: pdf.bytes.length, sha256Hex: sha256Hex(pdf.bytes), contentType: pdf.contentType };
let server: S3Server;
beforeEach(async () => {
  server = await startS3Server();
});
afterEach(() => server.stop());

function open(
  change: { bucket?: string; secretAccessKey?: string; endpoint?: string } = {},
  stallMilliseconds = 5_000,
) {
  const { endpoint, bucket, credentials } = server;
  return openS3BlobStore({ endpoint, bucket, ...credentials, ...change }, stallMilliseconds);
}

it('stores the content type, under a path-style URL', async () => {
  await open().put('ab/file', inChunks(pdf.bytes), description);
  expect(server.requests).toEqual(['PUT /test-documents/ab/file']);
  expect(server.objects.get('ab/file')?.contentType).toBe('application/pdf');
});

it('is refused with another secret, and tells the store’s own code', async () => {
  const store = open({ secretAccessKey: 'another' });
  await expect(store.put('ab/file', inChunks(pdf.bytes), description)).rejects.toThrow('403 SignatureDoesNotMatch');
  await expect(store.get('ab/file')).rejects.toThrow('403 SignatureDoesNotMatch');
  await expect(store.delete('ab/file')).rejects.toThrow('403 SignatureDoesNotMatch');
  expect(server.objects.size).toBe(0);
});

it('is refused by the store itself when bytes change on the way', async () => {
  server.fault = 'CORRUPT_BODY';
  const put = open().put('ab/file', inChunks(pdf.bytes), description);
  await expect(put).rejects.toThrow('400 XAmzContentSHA256Mismatch');
  expect(server.objects.size).toBe(0);
});

it('does not take a missing bucket for a missing blob', async () => {
  await expect(open({ bucket: 'no-such-bucket' }).get('ab/file')).rejects.toThrow('404 NoSuchBucket');
  expect(await open().get('ab/file')).toBeUndefined();
});

it('gives up on a store that does not answer, without blaming a slow source', async () => {
  server.fault = 'NO_ANSWER';
  const store = open({}, 100);
  await expect(store.get('ab/file')).rejects.toThrow(BlobStoreError);
  await expect(store.delete('ab/file')).rejects.toThrow(BlobStoreError);
  await expect(store.put('ab/file', inChunks(pdf.bytes), description)).rejects.toThrow(BlobStoreError);
  server.fault = 'NONE';
  const pause = () => once(AbortSignal.timeout(300), 'abort');
  async function* slowly() {
    await pause();
    yield pdf.bytes.subarray(0, 1_000);
    yield pdf.bytes.subarray(1_000, 2_000);
    await pause();
    yield pdf.bytes.subarray(2_000);
  }
  await store.put('ab/file', slowly(), description);
  expect(pdf.bytes.equals(await buffer((await store.get('ab/file'))!))).toBe(true);
});

it('stops reading the source when the store refuses before the end', async () => {
  server.fault = 'REFUSE_EARLY';
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(65_536);
    } finally {
      closed = true;
    }
  }
  const put = open().put('ab/file', endless(), { ...description, sizeBytes: 2 ** 40 });
  await expect(put).rejects.toThrow(BlobStoreError);
  await expect.poll(() => closed).toBe(true);
});

it('says that a store is away', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  await new Promise((resolve) => taken.close(resolve));
  const store = open({ endpoint: `http://127.0.0.1:${port}` });
  await expect(store.put('ab/file', inChunks(pdf.bytes), description)).rejects.toThrow(BlobStoreError);
  await expect(store.get('ab/file')).rejects.toThrow(BlobStoreError);
});
