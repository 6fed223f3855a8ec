import type { DocumentRegister } from '../documents/document-register.ts';
import { isId, shardOf } from '../domain/ids.ts';

/** The record of documents over all shards; a document's id says on which one it is. */
export function routeDocuments(
  engines: readonly { readonly number: number; readonly documents: DocumentRegister }[],
): DocumentRegister {
  const registers = new Map(engines.map(({ number, documents }) => [number, documents]));
  const at = (id: string): DocumentRegister | undefined => (isId(id) ? registers.get(shardOf(id)) : undefined);
  return {
    find: async (documentId) => at(documentId)?.find(documentId),
    beginBlob: async (documentId, attemptKey) => at(documentId)?.beginBlob(documentId, attemptKey),
    markStored: async (documentId, attemptKey) => (await at(documentId)?.markStored(documentId, attemptKey)) ?? false,
  };
}
