import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pruneAbandonedBlobs } from '../../src/documents/prune-blobs.ts';
import { log, TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(() => system.close());

const pdf = readFileSync(new URL('../fixtures/documents/minimal-document.pdf', import.meta.url));

/** The files of the blob folder, without those that are being written. */
function storedFiles(): readonly string[] {
  const folder = system.environment.BLOB_URL!.slice('fs:'.length);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

it('a gateway that dies between the store and the record leaves bytes that are found and removed', async () => {
  const doomed = await system.spawn('gateway', 'doomed at an upload', { CASELOAD_CRASH_AT: 'upload_after_store' });
  const healthy = await system.runGateway();
  const { services, shard, blobs } = healthy.foundation;
  const alice = { subject: 'alice', namespace: 'acme', roles: new Set(['applicant'] as const) };
  const declared = { contentType: 'application/pdf', sizeBytes: pdf.length };
  const { url } = await services.createUpload(
    { ...alice, expiresAtSeconds: undefined },
    {
      namespace: 'acme',
      fileName: 'a.pdf',
      ...declared,
      sha256: createHash('sha256').update(pdf).digest('hex'),
    },
  );
  const send = (base: string) =>
    fetch(url.replace(/^http:\/\/[^/]+/, base), {
      method: 'PUT',
      body: pdf,
      headers: { 'content-type': declared.contentType },
    });
  await expect(send(doomed.url)).rejects.toThrow();
  await doomed.program.exited;
  expect(storedFiles()).toHaveLength(1);
  // The client sends it again, and it counts.
  expect((await send(healthy.url)).status).toBe(200);
  expect(storedFiles()).toHaveLength(2);
  const pool = await shard.pool();
  await pool.query(`update blob_attempts set started_at = started_at - interval '2 days'`);
  expect(await pruneAbandonedBlobs(shard, blobs, log)).toBe(1);
  const kept = await pool.query<{ blob_key: string }>('select blob_key from documents');
  expect(kept.rows.map((row) => row.blob_key.split('/')[1])).toEqual(storedFiles());
});
