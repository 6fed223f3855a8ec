import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDocumentRegister,
  pruneDecidedCases,
  pruneUnattachedDocuments,
} from '../../src/documents/stored-documents.ts';
import { createLogger } from '../../src/log.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, bob, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
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
    expect(await pruneDecidedCases(shard, blobs, 11, log)).toBe(0);
    expect(await pruneDecidedCases(shard, blobs, 9, log)).toBe(1);
    expect(await services.caseHistory(oldId, 10, null)).toMatchObject({ events: [] });
    expect(await engine.foundation.services.caseStore.find(oldId)).toBeUndefined();
    expect(await blobs.get(document.blobKey)).toBeUndefined();
    expect(await services.caseStore.find(open.held.case.id)).toBeDefined();
  });
});
