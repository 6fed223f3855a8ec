import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DocumentContentType } from '../../src/domain/document.ts';

export interface SampleDocument {
  readonly fileName: string;
  readonly contentType: DocumentContentType;
  readonly bytes: Buffer;
}

function read(fileName: string, contentType: DocumentContentType): SampleDocument {
  return { fileName, contentType, bytes: readFileSync(new URL(`../fixtures/documents/${fileName}`, import.meta.url)) };
}

export const pdf = read('minimal-document.pdf', 'application/pdf');
export const sampleDocuments: readonly SampleDocument[] = [
  pdf,
  read('002-trivial-libre-office-writer.pdf', 'application/pdf'),
  read('page-0-X0.png', 'image/png'),
  read('image.jpg', 'image/jpeg'),
  read('smile.tiff', 'image/tiff'),
];

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes in chunks, as a network brings them. */
export async function* inChunks(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
