import type { BlobStore } from '../../documents/blob-store.ts';
import { BytesDiffer, checkBytes } from '../../documents/checked-bytes.ts';
import type { DocumentRegister } from '../../documents/document-register.ts';
import { sniffedBytes, sniffType } from '../../documents/sniff-type.ts';
import { defaultBackoff } from '../../domain/backoff.ts';
import { badInput } from '../../domain/errors.ts';
import { parseId } from '../../domain/ids.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { defineTask, FatalTaskError } from '../task-handler.ts';

export interface DocumentCheckParts {
  readonly documents: Pick<DocumentRegister, 'find'>;
  readonly blobs: Pick<BlobStore, 'get'>;
}

/**
 * `document-check` with payload `{ documentId }`: reads a document's stored bytes again and compares their number,
 * digest and type with what was declared. Bytes that differ fail the task for good.
 */
export function createDocumentCheck({ documents, blobs }: DocumentCheckParts): AnyTaskHandler {
  return defineTask<{ readonly documentId: string }>({
    kind: 'document-check',
    concurrency: 4,
    timeLimitMilliseconds: 120_000,
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
      const row = await documents.find(documentId);
      if (row === undefined || row.namespace !== namespace) throw new FatalTaskError('There is no such document');
      if (row.blobKey === undefined) throw new Error('The bytes have not been uploaded yet');
      const stored = await blobs.get(row.blobKey);
      if (stored === undefined) throw new FatalTaskError('The stored bytes are gone');
      const stop = (): void => void stored.destroy(new Error('The check was stopped'));
      signal.addEventListener('abort', stop, { once: true });
      try {
        const head = await readAll(checkBytes(stored, row));
        const shown = await sniffType(head, row.sizeBytes);
        if (shown !== row.contentType) {
          throw new FatalTaskError(`The content is ${shown ?? 'of no known type'}, not ${row.contentType}`);
        }
      } catch (error) {
        if (error instanceof BytesDiffer) throw new FatalTaskError(error.message);
        throw error;
      } finally {
        signal.removeEventListener('abort', stop);
        stored.destroy();
      }
      return { sizeBytes: row.sizeBytes, sha256: row.sha256Hex, contentType: row.contentType };
    },
  });
}

/** Reads to the end. @returns the first bytes, as many as a type is told from */
async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const head = Buffer.alloc(sniffedBytes);
  let filled = 0;
  for await (const chunk of bytes) {
    const taken = chunk.subarray(0, sniffedBytes - filled);
    head.set(taken, filled);
    filled += taken.length;
  }
  return head.subarray(0, filled);
}
