import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocumentRegister } from '../../src/documents/stored-documents.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, startEngine } from '../support/engine.ts';
import { createJob, startWorker, untilStatus } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await startWorker(await engine.another(), engine.foundation.taskHandlers);
});
afterAll(() => engine.stop());

const pdf = readFileSync(new URL('../fixtures/documents/minimal-document.pdf', import.meta.url));
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Announces a document as one thing and stores another, as a disk that lies would. */
async function store(declared: Uint8Array, stored: Uint8Array): Promise<string> {
  const { services, blobs, shard } = engine.foundation;
  const { documentId } = await services.createUpload(alice, {
    namespace: 'acme',
    fileName: 'a.pdf',
    contentType: 'application/pdf',
    sizeBytes: declared.length,
    sha256: digest(declared),
  });
  const description = { sizeBytes: stored.length, sha256Hex: digest(stored), contentType: 'application/pdf' };
  await blobs.put(`test/${documentId}`, Readable.from([stored]), description);
  await createDocumentRegister(shard).markStored(documentId, `test/${documentId}`);
  return documentId;
}

const check = async (documentId: string): Promise<string> =>
  (await createJob(engine.foundation, [{ kind: 'document-check', payload: { documentId } }])).taskIds[0]!;

describe('document-check', () => {
  it('finds stored bytes as they were declared', async () => {
    const task = await untilStatus(engine.foundation, await check(await store(pdf, pdf)), 'SUCCEEDED');
    expect(task.result).toEqual({ sizeBytes: pdf.length, sha256: digest(pdf), contentType: 'application/pdf' });
  });

  it('fails for good on bytes that changed, that lie about their type, and on documents that are not there', async () => {
    const changed = Buffer.from(pdf);
    changed[100] = changed[100]! ^ 1;
    const text = Buffer.from('This is no PDF at all.');
    for (const [documentId, error] of [
      [await store(pdf, changed), /DIGEST/],
      [await store(text, text), /no known type/],
      ['01a1fb1a-64c8-7000-8000-03a5f31dfca9', /no such document/],
    ] as const) {
      const task = await untilStatus(engine.foundation, await check(documentId), 'FAILED');
      expect(task.error).toMatch(error);
      expect(task.attemptsCounted).toBe(1);
    }
  });
});
