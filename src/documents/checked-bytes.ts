import { createHash } from 'node:crypto';
import type { BlobDescription } from './blob-store.ts';

/** Bytes are not what was declared: more, fewer, or others. */
export class BytesDiffer extends Error {
  override readonly name = 'BytesDiffer';
  readonly difference: 'MORE' | 'FEWER' | 'DIGEST';

  constructor(difference: 'MORE' | 'FEWER' | 'DIGEST') {
    super(`The bytes are not what was declared: ${difference}`);
    this.difference = difference;
  }
}

/**
 * Passes bytes on and checks their number and SHA-256 meanwhile. The last chunk is passed on only when everything is
 * right, so that no receiver ever has the whole of something wrong.
 * @throws BytesDiffer as soon as it is known
 */
export async function* checkBytes(
  bytes: AsyncIterable<Uint8Array>,
  expected: Pick<BlobDescription, 'sizeBytes' | 'sha256Hex'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let count = 0;
  let withheld: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (chunk.length === 0) continue;
    count += chunk.length;
    if (count > expected.sizeBytes) throw new BytesDiffer('MORE');
    hash.update(chunk);
    if (withheld !== undefined) yield withheld;
    withheld = chunk;
  }
  if (count < expected.sizeBytes) throw new BytesDiffer('FEWER');
  if (hash.digest('hex') !== expected.sha256Hex) throw new BytesDiffer('DIGEST');
  if (withheld !== undefined) yield withheld;
}
