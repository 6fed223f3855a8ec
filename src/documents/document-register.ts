import type { DocumentContentType } from '../domain/document.ts';

/** What the record knows of a document whose upload was announced. */
export interface DocumentRow {
  readonly id: string;
  readonly namespace: string;
  readonly fileName: string;
  /** JSON: an export of the system's own, which nobody uploads. */
  readonly contentType: DocumentContentType | 'application/json';
  readonly sizeBytes: number;
  readonly sha256Hex: string;
  readonly state: 'AWAITING' | 'STORED' | 'ATTACHED';
  /** Where its bytes are; undefined while they are awaited. */
  readonly blobKey: string | undefined;
}

/** The record, as transfers need it. Its methods may throw faults, `UNAVAILABLE` for instance. */
export interface DocumentRegister {
  /** The declaration of an upload that was announced, whatever its state. */
  find(documentId: string): Promise<DocumentRow | undefined>;
  /** Notes down that bytes are about to be stored under a key, so that they are found when they are never marked. */
  beginBlob(documentId: string, attemptKey: string): Promise<void>;
  /**
   * Marks the bytes as stored under a key, which becomes the row's `blobKey`, if they are still awaited.
   * @returns false when the row is gone or was stored by another upload meanwhile
   */
  markStored(documentId: string, attemptKey: string): Promise<boolean>;
}
