import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlobStore } from '../../src/documents/blob-store.ts';
import { openFolderBlobStore } from '../../src/documents/folder-blob-store.ts';
import { openS3BlobStore } from '../../src/documents/s3-blob-store.ts';
import { startS3Server } from './s3-server.ts';
import { inChunks, pdf, sampleDocuments, sha256Hex } from './sample-documents.ts';

interface Opened {
  readonly store: BlobStore;
  /** What a reader could find, unfinished writes among it. */
  blobCount(): Promise<number>;
  close(): Promise<void>;
}

async function openFolder(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    store: await openFolderBlobStore(folder, Date.now()),
    async blobCount() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).length;
    },
    close: () => rm(folder, { recursive: true }),
  };
}

async function openS3(): Promise<Opened> {
  const server = await startS3Server();
  return {
    store: openS3BlobStore({ endpoint: server.endpoint, bucket: server.bucket, ...server.credentials }, 5_000),
    blobCount: async () => server.objects.size,
    close: () => server.stop(),
  };
}

describe.each([
  ['a folder', openFolder],
  ['S3', openS3],
])('a blob store in %s', (_name, open) => {
  let opened: Opened;
  let store: BlobStore;
  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  });
  afterAll(() => opened.close());

  const describeBytes = (bytes: Uint8Array) => ({
    sizeBytes: bytes.length,
    sha256Hex: sha256Hex(bytes),
    contentType: 'application/pdf',
  });
  const read = async (stream: Readable | undefined): Promise<Buffer> => buffer(stream!);

  it.each(sampleDocuments)('gives back what it got: $fileName', async ({ bytes }) => {
    await store.put('aa/given', inChunks(bytes), describeBytes(bytes));
    expect(bytes.equals(await read(await store.get('aa/given')))).toBe(true);
    await store.delete('aa/given');
  });

  it('takes a blob of one byte, and one of more bytes than any buffer holds', async () => {
    for (const bytes of [Buffer.from('a'), Buffer.alloc(3_000_000, 'abc')]) {
      await store.put('aa/size', inChunks(bytes, 65_536), describeBytes(bytes));
      expect(bytes.equals(await read(await store.get('aa/size')))).toBe(true);
      await store.delete('aa/size');
    }
  });

  it('gives a part', async () => {
    await store.put('aa/part', inChunks(pdf.bytes), describeBytes(pdf.bytes));
    const part = await read(await store.get('aa/part', { first: 5, last: 1_500 }));
    expect(part.equals(pdf.bytes.subarray(5, 1_501))).toBe(true);
    await store.delete('aa/part');
  });

  it('says that a blob is missing, and forgets one that is deleted, twice over', async () => {
    expect(await store.get('aa/missing')).toBeUndefined();
    await store.put('aa/gone', inChunks(pdf.bytes), describeBytes(pdf.bytes));
    await store.delete('aa/gone');
    await store.delete('aa/gone');
    expect(await store.get('aa/gone')).toBeUndefined();
    expect(await opened.blobCount()).toBe(0);
  });

  it('shows nothing of a blob before the last byte is stored', async () => {
    async function* slowly() {
      yield pdf.bytes.subarray(0, 5_000);
      yield pdf.bytes.subarray(5_000, 10_000);
      expect(await store.get('aa/slow')).toBeUndefined();
      yield pdf.bytes.subarray(10_000);
    }
    await store.put('aa/slow', slowly(), describeBytes(pdf.bytes));
    expect(pdf.bytes.equals(await read(await store.get('aa/slow')))).toBe(true);
    await store.delete('aa/slow');
  });

  it.each([
    ['MORE', { sizeBytes: pdf.bytes.length - 1 }],
    ['FEWER', { sizeBytes: pdf.bytes.length + 1 }],
    ['DIGEST', { sha256Hex: sha256Hex(Buffer.from('other')) }],
  ])('refuses bytes that were declared otherwise: %s', async (difference, change) => {
    const description = { ...describeBytes(pdf.bytes), ...change };
    await expect(store.put('aa/wrong', inChunks(pdf.bytes), description)).rejects.toMatchObject({
      name: 'BytesDiffer',
      difference,
    });
    expect(await store.get('aa/wrong')).toBeUndefined();
    expect(await opened.blobCount()).toBe(0);
  });

  it('throws the error of the source on, and stores nothing', async () => {
    const failure = new Error('The client went away');
    async function* broken() {
      yield pdf.bytes.subarray(0, 5_000);
      yield pdf.bytes.subarray(5_000, 10_000);
      throw failure;
    }
    await expect(store.put('aa/broken', broken(), describeBytes(pdf.bytes))).rejects.toBe(failure);
    expect(await store.get('aa/broken')).toBeUndefined();
    expect(await opened.blobCount()).toBe(0);
  });

  it.each(['', '/etc/passwd', '../outside', 'aa/../../outside', 'aa//b', 'aa/.partial', 'a\\b', 'aa/b\0', 'A', 'a?b'])(
    'takes no key such as %j',
    async (key) => {
      const fresh = () => inChunks(pdf.bytes);
      await expect((async () => store.put(key, fresh(), describeBytes(pdf.bytes)))()).rejects.toThrow(RangeError);
      await expect((async () => store.get(key))()).rejects.toThrow(RangeError);
      await expect((async () => store.delete(key))()).rejects.toThrow(RangeError);
    },
  );
});
