import type { Readable } from 'node:stream';
import type { BlobStore } from '../../documents/blob-store.ts';
import { BytesDiffer, checkBytes } from '../../documents/checked-bytes.ts';
import type { PageCount } from '../../documents/count-pages.ts';
import { countPages } from '../../documents/count-pages.ts';
import type { DocumentCheck, DocumentChecks } from '../../documents/document-checks.ts';
import type { DocumentRegister, DocumentRow } from '../../documents/document-register.ts';
import type { ScannerConfig, ScanResult } from '../../documents/scan-document.ts';
import { scanDocument } from '../../documents/scan-document.ts';
import { sniffedBytes, sniffType } from '../../documents/sniff-type.ts';
import { defaultBackoff } from '../../domain/backoff.ts';
import { badInput } from '../../domain/errors.ts';
import { parseId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { defineTask, FatalTaskError } from '../task-handler.ts';

export interface DocumentCheckParts {
  readonly documents: Pick<DocumentRegister, 'find'>;
  readonly blobs: Pick<BlobStore, 'get'>;
  readonly checks: Pick<DocumentChecks, 'save'>;
  readonly scanner: ScannerConfig | undefined;
}

/** A document as the check needs it. */
type StoredDocument = DocumentRow & { readonly blobKey: string };

/** What makes a document unfit, for good. */
class Unfit extends Error {
  override readonly name = 'Unfit';
  readonly check: DocumentCheck;

  constructor(message: string, check: Partial<DocumentCheck> & Pick<DocumentCheck, 'outcome'>) {
    super(message);
    this.check = { pageCount: null, pageFault: null, scan: null, detail: message, ...check };
  }
}

/**
 * `document-check` with payload `{ documentId }`: reads a document's stored bytes again and compares their number,
 * digest and type with what was declared, counts the pages of a PDF, and shows the bytes to the scanner where there is
 * one. What it finds is kept. Bytes that differ or are infected fail the task for good.
 */
export function createDocumentCheck(parts: DocumentCheckParts): AnyTaskHandler {
  return defineTask<{ readonly documentId: string }>({
    kind: 'document-check',
    concurrency: 4,
    timeLimitMilliseconds: limits.documentScanMilliseconds + 60_000,
    leaseSeconds: 60,
    maxAttempts: 8,
    backoff: defaultBackoff,
    ofCase: { on: 'REGISTERED', payloads: ({ documentIds }) => documentIds.map((documentId) => ({ documentId })) },
    parsePayload(field, payload) {
      const documentId = (payload as { documentId?: unknown } | null)?.documentId;
      if (typeof documentId !== 'string') throw badInput(`${field}.documentId`, 'must be the id of a document');
      return { documentId: parseId(`${field}.documentId`, documentId) };
    },
    async run({ documentId }, { namespace, signal }) {
      const row = await parts.documents.find(documentId);
      if (row === undefined || row.namespace !== namespace) throw new FatalTaskError('There is no such document');
      const { blobKey } = row;
      if (blobKey === undefined) throw new Error('The bytes have not been uploaded yet');
      try {
        const check = await checkDocument(parts, { ...row, blobKey }, signal);
        await parts.checks.save(documentId, namespace, check);
        return { sizeBytes: row.sizeBytes, sha256: row.sha256Hex, contentType: row.contentType, ...check };
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        await parts.checks.save(documentId, namespace, error.check);
        throw new FatalTaskError(error.message);
      }
    },
  });
}

async function checkDocument(
  { blobs, scanner }: DocumentCheckParts,
  row: StoredDocument,
  signal: AbortSignal,
): Promise<DocumentCheck> {
  const { head, whole } = await reading(blobs, row, signal, (stored) => readAll(stored, row));
  const shown = await sniffType(head, row.sizeBytes);
  if (shown !== row.contentType) {
    throw new Unfit(`The content is ${shown ?? 'of no known type'}, not ${row.contentType}`, { outcome: 'DIFFERENT' });
  }
  const count = await countPagesOf(row, whole, signal);
  const pageCount = count !== undefined && 'pages' in count ? count.pages : null;
  const pageFault = count !== undefined && 'fault' in count ? count.fault : null;
  const scan: ScanResult | undefined =
    scanner === undefined
      ? undefined
      : await reading(blobs, row, signal, (stored) => scanDocument(scanner, row, stored, signal));
  if (scan?.verdict === 'INFECTED') {
    const detail = scan.detail ?? 'without saying with what';
    const found = { outcome: 'INFECTED', pageCount, pageFault, scan: scan.verdict, detail } as const;
    throw new Unfit(`The scanner found it infected: ${detail}`, found);
  }
  return { outcome: 'SOUND', pageCount, pageFault, scan: scan?.verdict ?? null, detail: scan?.detail ?? null };
}

async function countPagesOf(
  row: StoredDocument,
  whole: Uint8Array<ArrayBuffer> | undefined,
  signal: AbortSignal,
): Promise<PageCount | undefined> {
  if (row.contentType !== 'application/pdf') return undefined;
  return whole === undefined ? { fault: 'TOO_LARGE' } : countPages(whole, signal);
}

/** Opens the stored bytes for a reader, which is broken off when the task is. */
async function reading<Result>(
  blobs: Pick<BlobStore, 'get'>,
  row: StoredDocument,
  signal: AbortSignal,
  read: (stored: Readable) => Promise<Result>,
): Promise<Result> {
  const stored = await blobs.get(row.blobKey);
  if (stored === undefined) throw new Unfit('The stored bytes are gone', { outcome: 'DIFFERENT' });
  const stop = (): void => void stored.destroy(new Error('The check was stopped'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await read(stored);
  } catch (error) {
    if (error instanceof BytesDiffer) throw new Unfit(error.message, { outcome: 'DIFFERENT' });
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    stored.destroy();
  }
}

/**
 * Reads to the end.
 * @returns the first bytes, as many as a type is told from, and of a PDF that is not too large all of them
 */
async function readAll(
  stored: Readable,
  row: StoredDocument,
): Promise<{ readonly head: Uint8Array; readonly whole: Uint8Array<ArrayBuffer> | undefined }> {
  const keepsAll = row.contentType === 'application/pdf' && row.sizeBytes <= limits.pageCountBytes;
  const kept = new Uint8Array(keepsAll ? row.sizeBytes : Math.min(sniffedBytes, row.sizeBytes));
  let filled = 0;
  for await (const chunk of checkBytes(stored, row)) {
    const taken = chunk.subarray(0, kept.length - filled);
    kept.set(taken, filled);
    filled += taken.length;
  }
  // A copy: the whole is handed to another thread.
  return { head: kept.slice(0, sniffedBytes), whole: keepsAll ? kept : undefined };
}
