import type { DocumentContentType } from '../domain/document.ts';
import { idFloor } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import { DocumentRecord } from '../postgres/entities/document-record.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { transact } from '../postgres/transact.ts';
import type { BlobStore } from './blob-store.ts';
import { CaseExports } from './case-exports.ts';
import type { DocumentRegister, DocumentRow } from './document-register.ts';

const beginBlob = loadStatement('begin-blob');
const markDocumentStored = loadStatement('mark-document-stored');

/** The record of documents for transfers, over PostgreSQL. */
export function createDocumentRegister(shard: Shard): DocumentRegister {
  return {
    async find(documentId): Promise<DocumentRow | undefined> {
      return shard.work(async (entityManager) => {
        const record = await entityManager.findOne(DocumentRecord, { id: documentId });
        if (record === null) return findExport(shard, documentId);
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
    async beginBlob(documentId, attemptKey): Promise<void> {
      await shard.run(beginBlob, [attemptKey, documentId]);
    },
    async markStored(documentId, attemptKey): Promise<boolean> {
      return (await shard.run(markDocumentStored, [documentId, attemptKey])).length === 1;
    },
  };
}

/** An export of a case is read under the case's id. */
async function findExport(shard: Shard, caseId: string): Promise<DocumentRow | undefined> {
  const found = await new CaseExports(shard).find(caseId);
  if (found === undefined) return undefined;
  const { namespace, blobKey, sizeBytes, sha256Hex } = found;
  const fileName = `audit-trail-${caseId}.json`;
  return {
    id: caseId,
    namespace,
    fileName,
    contentType: 'application/json',
    sizeBytes,
    sha256Hex,
    state: 'ATTACHED',
    blobKey,
  };
}

/**
 * Removes documents that were never registered with a case, a day after they were announced: the bytes first, so that a
 * crash leaves a row to try again with, never bytes without a row.
 * @returns how many were removed
 */
export async function pruneUnattachedDocuments(shard: Shard, blobs: BlobStore, log: Logger): Promise<number> {
  return transact(shard, async (client) => {
    // Locked, so that none is registered between the removal of its bytes and that of its row.
    const result = await client.query<{ id: string; blob_key: string | null }>(
      `select id, blob_key from documents
        where case_id is null and created_at < clock_timestamp() - make_interval(secs => $1)
        order by created_at limit $2 for update skip locked`,
      [limits.unattachedDocumentSeconds, rowsPerPrune],
    );
    for (const row of result.rows) if (row.blob_key !== null) await blobs.delete(row.blob_key);
    const ids = result.rows.map((row) => row.id);
    await client.query('delete from document_checks where document_id = any ($1::uuid[])', [ids]);
    await client.query('delete from documents where id = any ($1::uuid[])', [ids]);
    if (result.rows.length > 0)
      log.info({ documents: result.rows.length }, 'documents that were never registered removed');
    return result.rows.length;
  });
}

/**
 * Removes cases that were decided more than so many days ago, with their documents and events; the bytes first.
 * @returns how many were removed
 */
export async function pruneDecidedCases(
  shard: Shard,
  blobs: BlobStore,
  keptDays: number,
  log: Logger,
): Promise<number> {
  return transact(shard, async (client) => {
    // Ids rise with time, so the primary key leads to the oldest cases without an index of its own.
    const cases = await client.query<{ id: string }>(
      `select id from cases
        where id < $1::uuid and decided_at < clock_timestamp() - make_interval(days => $2)
        order by id limit $3 for update skip locked`,
      [idFloor(Date.now() - keptDays * 86_400_000), keptDays, rowsPerPrune],
    );
    const ids = cases.rows.map((row) => row.id);
    if (ids.length === 0) return 0;
    const documents = await client.query<{ blob_key: string }>(
      `select blob_key from documents where case_id = any ($1::uuid[]) and blob_key is not null
       union all select blob_key from case_exports where case_id = any ($1::uuid[])`,
      [ids],
    );
    for (const row of documents.rows) await blobs.delete(row.blob_key);
    for (const statement of removeCases) await client.query(statement, [ids]);
    log.info({ cases: ids.length }, 'cases that were kept long enough removed');
    return ids.length;
  });
}

const rowsPerPrune = 20;

/** What belongs to decided cases, the cases last. */
const removeCases = [
  `with job as (
     delete from jobs j using cases c
      where c.id = any ($1::uuid[]) and j.namespace = c.namespace and j.external_id = c.id::text
        and j.kind in ('case-registered', 'case-decided')
     returning j.id
   ), task as (
     delete from tasks t using job where t.job_id = job.id returning t.id
   ), attempt as (
     delete from task_attempts a using task where a.task_id = task.id
   ), dependency as (
     delete from task_dependencies d using task where d.task_id = task.id
   ), item as (
     delete from items i using task where i.id = task.id
   )
   delete from events e using task where e.item_id = task.id`,
  'delete from mails where about_id = any ($1::uuid[])',
  'delete from case_exports where case_id = any ($1::uuid[])',
  `delete from document_checks k using documents d where d.case_id = any ($1::uuid[]) and k.document_id = d.id`,
  'delete from documents where case_id = any ($1::uuid[])',
  'delete from events where item_id = any ($1::uuid[])',
  'delete from cases where id = any ($1::uuid[])',
];
