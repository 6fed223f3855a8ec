import type { DocumentContentType } from '../domain/document.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import { DocumentRecord } from '../postgres/entities/document-record.ts';
import type { Shard } from '../postgres/shard.ts';
import type { BlobStore } from './blob-store.ts';
import type { DocumentRegister, DocumentRow } from './document-register.ts';

/** The record of documents for transfers, over PostgreSQL. */
export function createDocumentRegister(shard: Shard): DocumentRegister {
  return {
    async find(documentId): Promise<DocumentRow | undefined> {
      return shard.work(async (entityManager) => {
        const record = await entityManager.findOne(DocumentRecord, { id: documentId });
        if (record === null) return undefined;
        return {
          id: record.id,
          namespace: record.namespace,
          fileName: record.fileName,
          contentType: record.contentType as DocumentContentType,
          sizeBytes: record.sizeBytes,
          sha256Hex: record.sha256,
          state: record.state,
          blobKey: record.blobKey ?? undefined,
        };
      });
    },
    async markStored(documentId, attemptKey): Promise<boolean> {
      return shard.work(async (entityManager) => {
        // Compare and set: of two uploads at the same time one wins, and the other removes its own bytes.
        const changed = await entityManager.nativeUpdate(
          DocumentRecord,
          { id: documentId, state: 'AWAITING' },
          { state: 'STORED', blobKey: attemptKey },
        );
        return changed === 1;
      });
    },
  };
}

/**
 * Removes documents that were never registered with a case, a day after they were announced: the bytes first, so that a
 * crash leaves a row to try again with, never bytes without a row.
 * @returns how many were removed
 */
export async function pruneUnattachedDocuments(shard: Shard, blobs: BlobStore, log: Logger): Promise<number> {
  const client = await (await shard.pool()).connect();
  let broken = true;
  try {
    await client.query('begin');
    // Locked, so that none is registered between the removal of its bytes and that of its row.
    const result = await client.query<{ id: string; blob_key: string | null }>(
      `select id, blob_key from documents
        where case_id is null and created_at < clock_timestamp() - make_interval(secs => $1)
        order by created_at limit 20 for update skip locked`,
      [limits.unattachedDocumentSeconds],
    );
    for (const row of result.rows) if (row.blob_key !== null) await blobs.delete(row.blob_key);
    await client.query('delete from documents where id = any ($1::uuid[])', [result.rows.map((row) => row.id)]);
    await client.query('commit');
    broken = false;
    if (result.rows.length > 0)
      log.info({ documents: result.rows.length }, 'documents that were never registered removed');
    return result.rows.length;
  } finally {
    client.release(broken); // the server rolls back what a closed connection had begun
  }
}
