import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneAbandonedBlobs } from '../../src/documents/prune-blobs.ts';
import {
  createDocumentRegister,
  pruneDecidedCases,
  pruneUnattachedDocuments,
} from '../../src/documents/stored-documents.ts';
import { createLogger } from '../../src/log.ts';
import { pruneSettledMails } from '../../src/scheduler/prune.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, bob, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ CASE_TASKS: 'all' });
});
afterAll(() => engine.stop());

const log = createLogger('test', 'fatal');
const bytes = Buffer.from('some bytes');
const sha256 = createHash('sha256').update(bytes).digest('hex');

async function storeDocument(): Promise<{ documentId: string; blobKey: string }> {
  const { services, blobs, shard } = engine.foundation;
  const { documentId } = await services.createUpload(alice, {
    namespace: 'acme',
    fileName: 'a.pdf',
    contentType: 'application/pdf',
    sizeBytes: bytes.length,
    sha256,
  });
  const blobKey = `test/${documentId}`;
  await blobs.put(blobKey, Readable.from([bytes]), {
    sizeBytes: bytes.length,
    sha256Hex: sha256,
    contentType: 'application/pdf',
  });
  expect(await createDocumentRegister(shard).markStored(documentId, blobKey)).toBe(true);
  return { documentId, blobKey };
}

const age = async (table: string, column: string, id: string, days: number): Promise<void> => {
  const pool = await engine.foundation.shard.pool();
  await pool.query(`update ${table} set ${column} = ${column} - make_interval(days => $2) where id = $1`, [id, days]);
};

/** What tasks leave behind of a case. */
async function leaveTraces(caseId: string, documentId: string): Promise<void> {
  const { blobs, shard } = engine.foundation;
  const pool = await shard.pool();
  await pool.query(
    `insert into mails (id, namespace, key, about_id, sender, recipient, subject, html, text, message_id)
     values ($1, 'acme', 'old', $1, 'a@example.com', 'b@example.com', 'old', 'old', 'old', '<old@example.com>')`,
    [caseId],
  );
  const blobKey = `test/export-of-${caseId}`;
  const description = { sizeBytes: bytes.length, sha256Hex: sha256, contentType: 'application/json' };
  await blobs.put(blobKey, Readable.from([bytes]), description);
  await pool.query(
    `insert into case_exports (case_id, namespace, blob_key, size_bytes, sha256) values ($1, 'acme', $2, 10, $3)`,
    [caseId, blobKey, sha256],
  );
  await pool.query(
    `insert into document_checks (document_id, namespace, outcome, checked_at) values ($1, 'acme', 'SOUND', now())`,
    [documentId],
  );
}

describe('pruning', () => {
  it('removes documents that were never registered, rows and bytes, and no others', async () => {
    const { shard, blobs, services } = engine.foundation;
    const [old, young, used] = [await storeDocument(), await storeDocument(), await storeDocument()];
    await services.register(alice, { ...application, documents: [{ documentId: used.documentId, kind: 'report' }] });
    for (const { documentId } of [old, used]) await age('documents', 'created_at', documentId, 2);
    expect(await pruneUnattachedDocuments(shard, blobs, log)).toBe(1);
    expect(await blobs.get(old.blobKey)).toBeUndefined();
    expect(await createDocumentRegister(shard).find(old.documentId)).toBeUndefined();
    for (const { documentId, blobKey } of [young, used]) {
      (await blobs.get(blobKey))?.destroy();
      expect(await createDocumentRegister(shard).find(documentId)).toBeDefined();
    }
    expect(await pruneUnattachedDocuments(shard, blobs, log)).toBe(0);
  });

  it('removes bytes that were stored and never named, after their time, and no others', async () => {
    const { shard, blobs } = engine.foundation;
    const register = createDocumentRegister(shard);
    const named = await storeDocument();
    const keys = ['test/abandoned', 'test/never-stored', 'test/young', named.blobKey];
    for (const key of keys) await register.beginBlob(named.documentId, key);
    for (const key of ['test/abandoned', 'test/young'])
      await blobs.put(key, Readable.from([bytes]), {
        sizeBytes: bytes.length,
        sha256Hex: sha256,
        contentType: 'application/pdf',
      });
    const pool = await shard.pool();
    await pool.query(`update blob_attempts set started_at = started_at - interval '2 days' where key <> 'test/young'`);
    expect(await pruneAbandonedBlobs(shard, blobs, log)).toBe(3);
    expect(await pruneAbandonedBlobs(shard, blobs, log)).toBe(0);
    expect(await blobs.get('test/abandoned')).toBeUndefined();
    for (const key of ['test/young', named.blobKey]) {
      const kept = await blobs.get(key);
      expect(kept).toBeDefined();
      kept?.destroy();
    }
    // What is named has no note any more.
    const { documentId } = await engine.foundation.services.createUpload(alice, {
      namespace: 'acme',
      fileName: 'b.pdf',
      contentType: 'application/pdf',
      sizeBytes: bytes.length,
      sha256,
    });
    await register.beginBlob(documentId, 'test/marked');
    expect(await register.markStored(documentId, 'test/marked')).toBe(true);
    expect((await pool.query('select key from blob_attempts order by key')).rows).toEqual([{ key: 'test/young' }]);
  });

  it('removes mails that were sent long ago, and no others', async () => {
    const { shard } = engine.foundation;
    const pool = await shard.pool();
    const mail = (number: number, status: string, days: number) =>
      pool.query(
        `insert into mails (id, namespace, key, sender, recipient, subject, html, text, message_id, status, sent_at, prepared_at)
         values (('00000000-0001-7000-8000-00000000000' || $1)::uuid, 'kept', $1, 'a', 'b', 's', 'h', 't', 'm', $2,
                 case when $2 = 'SENT' then now() end, now() - make_interval(days => $3))`,
        [String(number), status, days],
      );
    await mail(1, 'SENT', 31);
    await mail(2, 'FAILED', 31);
    await mail(3, 'UNCERTAIN', 31);
    await mail(4, 'SENT', 29);
    expect(await pruneSettledMails(shard, 30)).toBe(2);
    const left = await pool.query(`select key from mails where namespace = 'kept' order by key`);
    expect(left.rows).toEqual([{ key: '3' }, { key: '4' }]);
  });

  it('removes decided cases after their time, with documents and events, and leaves open ones', async () => {
    const { shard, blobs, services } = engine.foundation;
    const document = await storeDocument();
    const topic = 'pruned';
    const decided = await services.register(alice, {
      ...application,
      topic,
      documents: [{ documentId: document.documentId, kind: 'report' }],
    });
    const claimed = await services.claimNextCase(bob, { namespace: 'acme', topics: [topic], waitMs: 10_000 }, never);
    const open = await services.register(alice, { ...application, topic });
    if (decided.kind !== 'registered' || open.kind !== 'registered' || claimed.kind !== 'claimed')
      throw new Error('not prepared');
    const id = decided.held.case.id;
    await services.decide(bob, { caseId: id, leaseToken: claimed.held.lease!.token, verdict: 'APPROVE' });
    const pool = await shard.pool();
    // As if it had happened ten days ago: the id tells the time, too.
    const oldId = `00000000-0001-7000-8000-${id.slice(24)}`;
    await pool.query(`update cases set id = $2, decided_at = decided_at - interval '10 days' where id = $1`, [
      id,
      oldId,
    ]);
    await pool.query('update documents set case_id = $2 where case_id = $1', [id, oldId]);
    await pool.query('update events set item_id = $2 where item_id = $1', [id, oldId]);
    await pool.query('update jobs set external_id = $2 where external_id = $1', [id, oldId]);
    await leaveTraces(oldId, document.documentId);
    const jobs = await services.jobsAbout({ namespace: 'acme', externalId: oldId });
    const tasks = (await Promise.all(jobs.map((job) => services.taskStore.tasksOf(job.id)))).flat();
    expect(tasks.map((task) => task.kind).sort()).toEqual([
      'audit-export',
      'confirmation-mail',
      'decision-mail',
      'document-check',
    ]);
    expect(await pruneDecidedCases(shard, blobs, 11, log)).toBe(0);
    expect(await pruneDecidedCases(shard, blobs, 9, log)).toBe(1);
    expect(await services.caseHistory(oldId, 10, null)).toMatchObject({ events: [] });
    expect(await engine.foundation.services.caseStore.find(oldId)).toBeUndefined();
    expect(await blobs.get(document.blobKey)).toBeUndefined();
    const { rows } = await pool.query(
      `select 'mail' as what from mails where about_id = $1 union all select 'export' from case_exports where case_id = $1
       union all select 'check' from document_checks where document_id = $2
       union all select 'task' from tasks where id = any ($3) union all select 'item' from items where id = any ($3)
       union all select 'event' from events where item_id = any ($3)
       union all select 'job' from jobs where external_id = $1::text`,
      [oldId, document.documentId, tasks.map((task) => task.id)],
    );
    expect(rows).toEqual([]);
    expect(await blobs.get(`test/export-of-${oldId}`)).toBeUndefined();
    expect(await services.caseStore.find(open.held.case.id)).toBeDefined();
    expect(await services.jobsAbout({ namespace: 'acme', externalId: open.held.case.id })).toHaveLength(1);
  });
});
