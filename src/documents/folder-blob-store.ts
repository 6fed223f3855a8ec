import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type BlobDescription, type BlobStore, BlobStoreError, type ByteRange, parseBlobKey } from './blob-store.ts';
import { checkBytes } from './checked-bytes.ts';

// Starts with a dot, as no key does. A part of the same file system, so that a rename out of it is atomic.
const partialFolderName = '.partial';
const partialIdleMilliseconds = 3_600_000;

/**
 * Opens a blob store in a folder of this machine (or one that several machines share). The folder is made when there
 * is none; only the user of this process may read it. What a killed process left half-written is removed, once
 * nothing was added to it for an hour.
 * @throws BlobStoreError when the folder cannot be made or read
 */
export async function openFolderBlobStore(folder: string, nowMilliseconds: number): Promise<BlobStore> {
  const root = resolve(folder);
  const partialFolder = join(root, partialFolderName);
  await atStore('make its folder', makeFolder(partialFolder));
  await atStore('clear its folder', removeAbandoned(partialFolder, nowMilliseconds - partialIdleMilliseconds));
  const pathOf = (key: string): string => join(root, ...parseBlobKey(key).split('/'));
  return {
    async put(key, bytes, description) {
      const path = pathOf(key);
      const partial = join(partialFolder, randomUUID());
      try {
        await writeFile(partial, bytes, description);
        await atStore('store a file', moveInPlace(partial, path, root));
      } catch (error) {
        // The first error is the one to tell. A file that stays behind is removed at a later opening.
        await rm(partial, { force: true }).catch(() => undefined);
        throw error;
      }
    },
    get: async (key, range) => atStore('open a file', openFile(pathOf(key), range)),
    delete: async (key) => atStore('remove a file', rm(pathOf(key), { force: true })),
  };
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>, description: BlobDescription): Promise<void> {
  const file = await atStore('make a file', open(path, 'wx', 0o600));
  try {
    for await (const chunk of checkBytes(bytes, description)) await atStore('write a file', file.writeFile(chunk));
    await atStore('flush a file', file.sync());
  } finally {
    await file.close();
  }
}

async function moveInPlace(partial: string, path: string, root: string): Promise<void> {
  const folder = dirname(path);
  const made = await makeFolder(folder);
  await rename(partial, path);
  await syncFolder(folder);
  if (made !== undefined && folder !== root) await syncFolder(root);
}

async function openFile(path: string, range: ByteRange | undefined): Promise<Readable | undefined> {
  try {
    const file = await open(path, 'r');
    return file.createReadStream(range === undefined ? {} : { start: range.first, end: range.last });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function removeAbandoned(folder: string, beforeMilliseconds: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    try {
      if ((await stat(path)).mtimeMs < beforeMilliseconds) await rm(path, { force: true });
    } catch (error) {
      // Another process finished it meanwhile.
      if (!isMissing(error)) throw error;
    }
  }
}

function makeFolder(path: string): Promise<string | undefined> {
  return mkdir(path, { recursive: true, mode: 0o700 });
}

/** Makes a new name in a folder survive a power cut. Windows has no such call for folders and does it by itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function atStore<T>(action: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new BlobStoreError(`The blob folder could not ${action}`, { cause: error });
  }
}
