import { notFound } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { BlobStore } from './blob-store.ts';
import type { DocumentRegister, DocumentRow } from './document-register.ts';
import type { UrlGrant } from './signed-url.ts';

/** What uploads and downloads stand on. */
export interface TransferParts {
  readonly register: DocumentRegister;
  readonly blobs: BlobStore;
  /** Signs and verifies URLs. */
  readonly urlSecret: string;
  /** Verifies URLs of before the secret was changed. */
  readonly urlSecretPrevious?: string | undefined;
  readonly log: Logger;
  /** The clock that ends signed URLs, in milliseconds since the epoch. */
  readonly now: () => number;
  /** How long a transfer may stand still. */
  readonly idleMilliseconds: number;
}

/** The longest that a transfer of that many bytes may take: the idle time, and then the slowest speed allowed. */
export function transferMilliseconds(
  sizeBytes: number,
  idleMilliseconds: number = limits.transferIdleMilliseconds,
): number {
  return idleMilliseconds + Math.ceil((sizeBytes / limits.transferBytesPerSecondMin) * 1000);
}

/**
 * Finds the document of a verified URL.
 * @throws Fault `NOT_FOUND` when there is none, or only one of another namespace
 */
export async function findGranted(register: DocumentRegister, grant: UrlGrant): Promise<DocumentRow> {
  const row = await register.find(grant.documentId);
  if (row === undefined || row.namespace !== grant.namespace) throw notFound('Document');
  return row;
}
