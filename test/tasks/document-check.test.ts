import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocumentRegister } from '../../src/documents/stored-documents.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, startEngine } from '../support/engine.ts';
import { createJob, startWorker, untilStatus } from './task-engine.ts';

let engine: TestEngine;
let scanner: Server;
/** What the scanner was shown, and what it answers next: a status and a body. It finds everything clean otherwise. */
const shown: { readonly headers: IncomingHttpHeaders; readonly bytes: Buffer }[] = [];
const answers: [number, string][] = [];
beforeAll(async () => {
  scanner = createServer((request, response) => {
    buffer(request).then(
      (bytes) => {
        shown.push({ headers: request.headers, bytes });
        const [status, body] = answers.shift() ?? [200, '{"verdict":"clean"}'];
        response.writeHead(status).end(body);
      },
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => scanner.listen(0, '127.0.0.1', resolve));
  const port = (scanner.address() as AddressInfo).port;
  engine = await startEngine({
    DOCUMENT_SCAN_URL: `http://127.0.0.1:${port}/scan`,
    DOCUMENT_SCAN_TOKEN: 'open sesame',
  });
  await engine.startScheduler();
  const quick = { firstMilliseconds: 10, factor: 1, capMilliseconds: 10 };
  const handlers = engine.foundation.taskHandlers.map((handler) => ({ ...handler, backoff: quick }));
  await startWorker(await engine.another(), handlers);
});
afterAll(async () => {
  await engine.stop();
  scanner.closeAllConnections();
  await new Promise((resolve) => scanner.close(resolve));
});

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
    expect(task.result).toEqual({
      sizeBytes: pdf.length,
      sha256: digest(pdf),
      contentType: 'application/pdf',
      outcome: 'SOUND',
      pageCount: 1,
      pageFault: null,
      scan: 'CLEAN',
      detail: null,
    });
    expect(shown.at(-1)?.bytes.equals(pdf)).toBe(true);
    expect(shown.at(-1)?.headers).toMatchObject({
      'content-type': 'application/pdf',
      'document-sha256': digest(pdf),
      authorization: 'Bearer open sesame',
    });
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

  it('keeps what it found: pages, and what the scanner said', async () => {
    const { findDocumentCheck } = engine.foundation.services;
    const pages = readFileSync(new URL('../../data/documents/pdflatex-4-pages.pdf', import.meta.url));
    const sound = await store(pages, pages);
    answers.push([200, '{"verdict":"clean","detail":"engine 7"}']);
    await untilStatus(engine.foundation, await check(sound), 'SUCCEEDED');
    const found = { outcome: 'SOUND', pageCount: 4, pageFault: null, scan: 'CLEAN', detail: 'engine 7' };
    expect(await findDocumentCheck(sound)).toMatchObject(found);
    const evil = await store(pdf, pdf);
    answers.push([200, '{"verdict":"infected","detail":"a worm"}']);
    const task = await untilStatus(engine.foundation, await check(evil), 'FAILED');
    expect(task).toMatchObject({ attemptsCounted: 1, error: expect.stringContaining('a worm') });
    expect(await findDocumentCheck(evil)).toMatchObject({ outcome: 'INFECTED', scan: 'INFECTED', detail: 'a worm' });
    const torn = Buffer.from('%PDF-1.7 torn off');
    const broken = await store(torn, torn);
    await untilStatus(engine.foundation, await check(broken), 'SUCCEEDED');
    expect(await findDocumentCheck(broken)).toMatchObject({ pageCount: null, pageFault: 'BROKEN' });
  });

  it('asks a scanner that gives no verdict again', async () => {
    answers.push([503, 'busy'], [200, 'what?'], [200, '{"verdict":"perhaps"}'], [200, '{"verdict":"clean"}']);
    const task = await untilStatus(engine.foundation, await check(await store(pdf, pdf)), 'SUCCEEDED');
    expect(task.attemptsCounted).toBe(4);
  });
});
