import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { nameForSaving } from '../domain/document.ts';
import { Fault, notFound } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { BlobStoreError, type ByteRange } from './blob-store.ts';
import { formatContentDisposition } from './content-disposition.ts';
import type { DocumentRow } from './document-register.ts';
import { parseRange } from './parse-range.ts';
import { ClientGone } from './read-request.ts';
import { type UrlGrant, verifyUrl } from './signed-url.ts';
import { findGranted, type TransferParts, transferMilliseconds } from './transfer-parts.ts';

/**
 * Sends the bytes of a stored document, or one part of them, or only the headers (HEAD). The type sent is the one
 * that was declared and checked at upload, and no browser may guess another or run anything in it.
 * @throws Fault before anything was sent. What fails later breaks the connection, so that no client takes a part for
 * the whole, and is thrown as it is
 */
export async function sendDownload(
  request: IncomingMessage,
  response: ServerResponse,
  parts: TransferParts,
): Promise<void> {
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
  const grant = verifyUrl(parts.urlSecret, method, request.url ?? '', parts.now(), parts.urlSecretPrevious);
  const row = await findGranted(parts.register, grant);
  if (row.state === 'AWAITING' || row.blobKey === undefined) throw notFound('Document');
  const range = requestedRange(request, row);
  const headers = headersOf(row, grant, parts.now());
  if (range === 'OUTSIDE') {
    response.writeHead(416, { ...headers, 'content-length': 0, 'content-range': `bytes */${row.sizeBytes}` }).end();
    return;
  }
  const part = range === 'WHOLE' ? { first: 0, last: row.sizeBytes - 1 } : range;
  const length = part.last - part.first + 1;
  const writeHead = (): void => {
    const more = range === 'WHOLE' ? {} : { 'content-range': `bytes ${part.first}-${part.last}/${row.sizeBytes}` };
    response.writeHead(range === 'WHOLE' ? 200 : 206, { ...headers, 'content-length': length, ...more });
  };
  if (method === 'HEAD') {
    writeHead();
    response.end();
    return;
  }
  const blob = await openBlob(row.blobKey, range === 'WHOLE' ? undefined : range, parts);
  writeHead();
  response.setTimeout(parts.idleMilliseconds, () => response.destroy(new Error('The download stood still')));
  const signal = AbortSignal.timeout(transferMilliseconds(length, parts.idleMilliseconds));
  try {
    await pipeline(blob, exactLength(length), response, { signal });
  } catch (error) {
    if (isClosedEarly(error)) throw new ClientGone('The client closed the connection', { cause: error });
    throw error;
  }
}

function isClosedEarly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Bytes never change, so their digest is their entity tag, and a part of another version cannot be meant. */
function requestedRange(request: IncomingMessage, row: DocumentRow): ByteRange | 'WHOLE' | 'OUTSIDE' {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== entityTag(row)) return 'WHOLE';
  return parseRange(request.headers.range, row.sizeBytes);
}

function headersOf(row: DocumentRow, grant: UrlGrant, nowMilliseconds: number): Record<string, string | number> {
  const disposition = grant.method === 'GET' ? grant.disposition : 'attachment';
  const secondsLeft = Math.max(0, Math.floor(grant.expiresAtSeconds - nowMilliseconds / 1000));
  return {
    'content-type': row.contentType,
    'content-disposition': formatContentDisposition(disposition, nameForSaving(row.fileName, row.contentType)),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': `private, max-age=${secondsLeft}`,
    'accept-ranges': 'bytes',
    etag: entityTag(row),
  };
}

function entityTag(row: DocumentRow): string {
  return `"${row.sha256Hex}"`;
}

async function openBlob(key: string, range: ByteRange | undefined, parts: TransferParts) {
  try {
    const blob = await parts.blobs.get(key, range);
    if (blob !== undefined) return blob;
  } catch (error) {
    if (!(error instanceof BlobStoreError)) throw error;
    throw new Fault('UNAVAILABLE', 'The document store cannot be reached right now', {
      retryAfterMs: limits.blobStoreMilliseconds,
      cause: error,
    });
  }
  throw new Error(`The record names the blob ${key}, but the store has none`);
}

/** Fails when a store gives more or fewer bytes than the record says: the client must not wait for the rest. */
function exactLength(bytes: number): Transform {
  let left = bytes;
  const wrong = (): Error => new Error('The store gave another number of bytes than was recorded');
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(wrong());
      else done(null, chunk);
    },
    flush(done) {
      done(left === 0 ? null : wrong());
    },
  });
}
