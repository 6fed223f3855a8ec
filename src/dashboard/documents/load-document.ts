import type { Client } from '@urql/preact';
import { explain } from '../graphql/client.ts';
import { DocumentUrlsDocument } from '../graphql/documents.ts';

/**
 * Reads a document's bytes. Its signed URL is good for a minute only, so a new one is asked for first.
 * @param onProgress told the part that has come, from 0 to 1
 * @throws Error in plain words
 */
export async function loadDocument(
  client: Client,
  place: { readonly caseId: string; readonly documentId: string },
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const result = await client.query(DocumentUrlsDocument, { caseId: place.caseId }).toPromise();
  if (result.error !== undefined) throw new Error(explain(result.error));
  const url = result.data?.case?.documents.find(({ id }) => id === place.documentId)?.url;
  if (url === undefined) throw new Error('This document is not there any more.');
  const response = await fetch(onOwnOrigin(url), { signal });
  if (!response.ok || response.body === null) throw new Error('The gateway refused to send this document.');
  return readAll(response, onProgress);
}

/** The gateway that served this page serves its documents too, whatever it is called from outside. */
export function onOwnOrigin(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

async function readAll(response: Response, onProgress: (part: number) => void): Promise<Blob> {
  const size = Number(response.headers.get('content-length') ?? 0);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let count = 0;
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    count += value.length;
    if (size > 0) onProgress(count / size);
  }
  return new Blob(chunks, { type: response.headers.get('content-type') ?? '' });
}
