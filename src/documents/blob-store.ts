import type { Readable } from 'node:stream';

/** What bytes must be to be stored. */
export interface BlobDescription {
  readonly sizeBytes: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256Hex: string;
  readonly contentType: string;
}

/** A part of a blob: the offsets of its first and last byte, both in it. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** Where the bytes of documents live. What they belong to is the record's business. */
export interface BlobStore {
  /**
   * Stores bytes under a key. They are passed on as they come, at the store's pace, and are readable under the key
   * only when all of them are safely stored.
   * @throws BytesDiffer when they are not what was described; nothing is stored
   * @throws BlobStoreError when the store fails. It may have stored them all the same: delete the key
   * @throws what `bytes` throws, unchanged; nothing is stored
   */
  put(key: string, bytes: AsyncIterable<Uint8Array>, description: BlobDescription): Promise<void>;
  /**
   * Opens a blob, or a part of it, for reading. Destroy the stream when it is not read to its end.
   * @returns undefined when there is none under that key
   * @throws BlobStoreError when the store fails
   */
  get(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /**
   * Removes a blob. That there is none is fine.
   * @throws BlobStoreError when the store fails
   */
  delete(key: string): Promise<void>;
}

/** The store cannot be reached, refuses, or has a fault of its own. */
export class BlobStoreError extends Error {
  override readonly name = 'BlobStoreError';
}

// No dot anywhere, so no key names a folder above, and none needs escaping in a URL.
const keyPattern = /^[a-z0-9][a-z0-9-]{0,99}(\/[a-z0-9][a-z0-9-]{0,99}){0,3}$/;

/**
 * Takes a key: one to four parts of a-z, 0-9 and '-', with '/' between them.
 * @throws RangeError for any other text
 */
export function parseBlobKey(key: string): string {
  if (!keyPattern.test(key)) throw new RangeError('Not a blob key');
  return key;
}
