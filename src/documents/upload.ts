import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { crashPoint } from '../crash-point.ts';
import { requireShownType } from '../domain/document.ts';
import { badInput, Fault, forbidden, notFound } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { BlobStoreError } from './blob-store.ts';
import { BytesDiffer } from './checked-bytes.ts';
import type { DocumentRow } from './document-register.ts';
import { readRequest } from './read-request.ts';
import { verifyUrl } from './signed-url.ts';
import { sniffedBytes, sniffType } from './sniff-type.ts';
import { findGranted, type TransferParts, transferMilliseconds } from './transfer-parts.ts';

/**
 * Takes the bytes of a document whose upload was announced, and stores them when they are what was declared.
 * They go to the store as they come; nothing holds more than a few chunks of them. Each attempt has a blob of its
 * own, so attempts at the same time cannot touch each other: the first that is whole counts, the others are removed.
 * @param later takes work that the client need not wait for
 * @returns the declaration that the bytes fulfil
 * @throws Fault that says what is wrong; nothing is stored then
 * @throws ClientGone when the connection breaks; nothing is stored then
 */
export async function receiveUpload(
  request: IncomingMessage,
  parts: TransferParts,
  later: (work: Promise<void>) => void,
): Promise<DocumentRow> {
  const grant = verifyUrl(parts.urlSecret, 'PUT', request.url ?? '', parts.now(), parts.urlSecretPrevious);
  const row = await findGranted(parts.register, grant);
  if (row.state !== 'AWAITING') throw alreadyStored();
  checkHeaders(request, row);
  const blobKey = createBlobKey(row.id);
  await storeBody(request, row, blobKey, parts, later);
  crashPoint('upload_after_store');
  if (await markStored(row, blobKey, parts)) return row;
  later(discard(blobKey, parts));
  throw (await parts.register.find(row.id)) === undefined ? notFound('Document') : alreadyStored();
}

function checkHeaders(request: IncomingMessage, row: DocumentRow): void {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== row.contentType) {
    throw badInput('Content-Type', `must be ${row.contentType}, which was declared for this document`);
  }
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) !== row.sizeBytes) {
    throw differenceFault(new BytesDiffer(Number(length) > row.sizeBytes ? 'MORE' : 'FEWER'), row);
  }
}

/** The random part comes first, so that blobs spread over folders; the id shows whose it is. */
function createBlobKey(documentId: string): string {
  const attempt = randomBytes(16).toString('hex');
  return `${attempt.slice(0, 2)}/${documentId}-${attempt.slice(2)}`;
}

async function storeBody(
  request: IncomingMessage,
  row: DocumentRow,
  blobKey: string,
  parts: TransferParts,
  later: (work: Promise<void>) => void,
): Promise<void> {
  const ending = new AbortController();
  const body = readRequest(request, {
    idleMilliseconds: parts.idleMilliseconds,
    totalMilliseconds: transferMilliseconds(row.sizeBytes, parts.idleMilliseconds),
    signal: ending.signal,
  });
  let started = false;
  try {
    const head = await readHead(body, row);
    requireShownType(row.contentType, await sniffType(Buffer.concat(head).subarray(0, sniffedBytes), row.sizeBytes));
    await parts.register.beginBlob(row.id, blobKey);
    started = true;
    await parts.blobs.put(blobKey, continueAfter(head, body), row);
  } catch (error) {
    if (started) later(discard(blobKey, parts));
    throw uploadFault(error, row);
  } finally {
    ending.abort();
    await body.return();
  }
}

/** Reads as much as a type is told from. A body that is over by then, or already too long, is refused for that. */
async function readHead(body: AsyncGenerator<Uint8Array>, row: DocumentRow): Promise<readonly Uint8Array[]> {
  const head: Uint8Array[] = [];
  let count = 0;
  while (count < Math.min(sniffedBytes, row.sizeBytes)) {
    const next = await body.next();
    if (next.done === true) throw new BytesDiffer('FEWER');
    head.push(next.value);
    count += next.value.length;
  }
  if (count > row.sizeBytes) throw new BytesDiffer('MORE');
  return head;
}

async function* continueAfter(
  head: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head;
  yield* rest;
}

/**
 * Marks the bytes as stored. When the record's answer is lost, the mark may or may not have been made: then the blob
 * is kept, whatever follows, because a row may point to it.
 */
async function markStored(row: DocumentRow, blobKey: string, parts: TransferParts): Promise<boolean> {
  try {
    return await parts.register.markStored(row.id, blobKey);
  } catch (error) {
    parts.log.warn({ err: error, documentId: row.id, blobKey }, 'unknown whether the upload was recorded');
    if ((await parts.register.find(row.id))?.blobKey === blobKey) return true;
    throw error;
  }
}

async function discard(blobKey: string, parts: TransferParts): Promise<void> {
  try {
    await parts.blobs.delete(blobKey);
  } catch (error) {
    parts.log.error({ err: error, blobKey }, 'a blob that nothing names could not be removed');
  }
}

function uploadFault(error: unknown, row: DocumentRow): unknown {
  if (error instanceof BytesDiffer) return differenceFault(error, row);
  if (!(error instanceof BlobStoreError)) return error;
  return new Fault('UNAVAILABLE', 'The document store cannot take the bytes right now', {
    retryAfterMs: limits.blobStoreMilliseconds,
    cause: error,
  });
}

function differenceFault(error: BytesDiffer, row: DocumentRow): Fault {
  if (error.difference === 'MORE') {
    return new Fault('PAYLOAD_TOO_LARGE', `More bytes came than the ${row.sizeBytes} that were declared`, {
      field: 'sizeBytes',
    });
  }
  if (error.difference === 'FEWER') {
    return badInput('sizeBytes', `fewer bytes came than the ${row.sizeBytes} that were declared`);
  }
  return badInput('sha256', 'the bytes have another SHA-256 digest than was declared');
}

function alreadyStored(): Fault {
  return forbidden('The bytes of this document are stored already; they never change');
}
