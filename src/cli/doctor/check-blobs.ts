import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Config } from '../../config.ts';
import { openBlobStore } from '../../documents/open-blob-store.ts';
import type { Check } from './check.ts';
import { ok, reasonOf, wrong } from './check.ts';

/** Puts a small blob into the store, reads it back and removes it. */
export async function checkBlobs(config: Config): Promise<Check> {
  const name = 'documents';
  const bytes = randomBytes(64);
  const key = `doctor/${randomBytes(16).toString('hex')}`;
  try {
    const store = await openBlobStore(config);
    const sha256Hex = createHash('sha256').update(bytes).digest('hex');
    await store.put(key, chunks(bytes), {
      sizeBytes: bytes.length,
      sha256Hex,
      contentType: 'application/octet-stream',
    });
    const kept = await store.get(key);
    const same = kept !== undefined && (await buffer(kept)).equals(bytes);
    await store.delete(key);
    if (same) return ok(name, `${config.blobUrl} takes, gives and removes`);
    return wrong(name, `${config.blobUrl} gives back other bytes than it took`, 'name another store in BLOB_URL');
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${reasonOf(error.cause)}` : '';
    const remedy = config.blobUrl.startsWith('fs:')
      ? `make ${config.blobUrl.slice(3)} a folder that this account can write to, or set BLOB_URL`
      : 'check BLOB_URL, the S3_ variables and the rights of that key';
    return wrong(name, `${config.blobUrl}: ${reasonOf(error)}${cause}`, remedy);
  }
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
