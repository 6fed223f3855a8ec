import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BlobStoreError } from '../../src/documents/blob-store.ts';
import { openFolderBlobStore } from '../../src/documents/folder-blob-store.ts';
import { inChunks, pdf, sha256Hex } from './sample-documents.ts';

const description = { sizeBytes: pdf.bytes.length, sha256Hex: sha256Hex(pdf.bytes), contentType: pdf.contentType };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blobs-'));
});
afterEach(() => rm(folder, { recursive: true }));

it.skipIf(process.platform === 'win32')('lets nobody else read what it holds', async () => {
  const root = join(folder, 'made', 'here');
  const store = await openFolderBlobStore(root, Date.now());
  await store.put('ab/file', inChunks(pdf.bytes), description);
  expect((await stat(root)).mode & 0o777).toBe(0o700);
  expect((await stat(join(root, 'ab'))).mode & 0o777).toBe(0o700);
  expect((await stat(join(root, 'ab', 'file'))).mode & 0o777).toBe(0o600);
});

it('removes at opening what a killed process left, and only that', async () => {
  const partials = join(folder, '.partial');
  await mkdir(partials);
  await writeFile(join(partials, 'left'), 'half a document');
  await writeFile(join(partials, 'growing'), 'half a document');
  const now = Date.now();
  await utimes(join(partials, 'left'), now / 1000, (now - 3_700_000) / 1000);
  await openFolderBlobStore(folder, now);
  expect(await readdir(partials)).toEqual(['growing']);
});

it('says that the store has a fault when its folder is not one', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(openFolderBlobStore(file, Date.now())).rejects.toThrow(BlobStoreError);
  const store = await openFolderBlobStore(join(folder, 'store'), Date.now());
  await writeFile(join(folder, 'store', 'ab'), '');
  await expect(store.put('ab/file', inChunks(pdf.bytes), description)).rejects.toThrow(BlobStoreError);
  expect(await readdir(join(folder, 'store', '.partial'))).toEqual([]);
});
