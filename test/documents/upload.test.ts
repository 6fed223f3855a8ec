import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request as sendRequest } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../../src/documents/blob-store.ts';
import { openS3BlobStore } from '../../src/documents/s3-blob-store.ts';
import { unavailable } from '../../src/domain/errors.ts';
import { startS3Server } from './s3-server.ts';
import { inChunks, pdf, sampleDocuments, sha256Hex } from './sample-documents.ts';
import { errorOf, send, TransferServer } from './transfer-server.ts';

/** Tells when a store was first asked to put something, and how often. */
function watchPut(): { readonly started: Promise<void>; count(): number; watch(store: BlobStore): BlobStore } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  return {
    started: promise,
    count: () => count,
    watch: (store) => ({
      ...store,
      put(key, bytes, description) {
        count += 1;
        resolve();
        return store.put(key, bytes, description);
      },
    }),
  };
}

describe('an upload that fulfils its declaration', () => {
  it.each(sampleDocuments)('is stored: $fileName', async (sample) => {
    await using server = await TransferServer.start();
    const row = server.announce(sample);
    const answer = await server.upload(row, sample.bytes);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({
      documentId: row.id,
      sizeBytes: row.sizeBytes,
      sha256: row.sha256Hex,
    });
    const files = await server.files();
    expect(files).toHaveLength(1);
    expect(sample.bytes.equals(await readFile(files[0]!))).toBe(true);
    expect(server.register.rows.get(row.id)).toMatchObject({ state: 'STORED' });
  });

  it('may come in chunks of any size, with or without its length', async () => {
    await using server = await TransferServer.start();
    for (const size of [1, 7, 4_099, 4_100, 4_101, 60_000]) {
      const row = server.announce(pdf);
      expect((await server.upload(row, inChunks(pdf.bytes, size))).status).toBe(200);
      const again = server.announce(pdf);
      const headers = { 'content-length': pdf.bytes.length, 'content-type': 'Application/PDF; version=1.5' };
      expect((await server.upload(again, inChunks(pdf.bytes, size), headers)).status).toBe(200);
    }
  });

  it('leaves the connection open for the next one', async () => {
    await using server = await TransferServer.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { 'content-type': pdf.contentType };
    for (let index = 0; index < 3; index++) {
      const url = server.uploadUrl(server.announce(pdf));
      expect((await send(url, { method: 'PUT', body: pdf.bytes, headers, agent })).headers.connection).toBe(
        'keep-alive',
      );
    }
    agent.destroy();
  });

  it('goes to S3 too', async () => {
    const s3 = await startS3Server();
    await using server = await TransferServer.start({
      blobs: openS3BlobStore({ endpoint: s3.endpoint, bucket: s3.bucket, ...s3.credentials }),
    });
    const row = server.announce(pdf);
    expect((await server.upload(row, inChunks(pdf.bytes))).status).toBe(200);
    const { blobKey } = server.register.rows.get(row.id)!;
    expect(s3.objects.get(blobKey!)?.bytes.equals(pdf.bytes)).toBe(true);
    await s3.stop();
  });
});

describe('an upload that lies', () => {
  const html = Buffer.from(`<!doctype html><script>alert(1)</script>${' '.repeat(5_000)}`);
  const zip = Buffer.concat([Buffer.from('PK\x03\x04\x14\0\0\0\x08\0', 'latin1'), Buffer.alloc(6_000)]);
  const garbage = Buffer.alloc(6_000, 'garbage');
  const [, , png] = sampleDocuments;

  it.each([
    ['HTML', html],
    ['an archive', zip],
    ['garbage', garbage],
    ['another allowed type', png!.bytes],
  ])('about its type is refused, and nothing is stored: %s as PDF', async (_name, bytes) => {
    await using server = await TransferServer.start();
    for (const body of [bytes, inChunks(bytes)]) {
      const row = server.announce({ ...pdf, bytes });
      const answer = await server.upload(row, body);
      expect(answer.status).toBe(400);
      expect(errorOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'contentType' });
      expect(server.register.rows.get(row.id)?.state).toBe('AWAITING');
    }
    expect(await server.files()).toEqual([]);
  });

  it.each([
    ['more bytes', { sizeBytes: pdf.bytes.length - 1 }, 413, 'PAYLOAD_TOO_LARGE', 'sizeBytes'],
    ['far more bytes', { sizeBytes: 10 }, 413, 'PAYLOAD_TOO_LARGE', 'sizeBytes'],
    ['fewer bytes', { sizeBytes: pdf.bytes.length + 1 }, 400, 'BAD_USER_INPUT', 'sizeBytes'],
    ['another digest', { sha256Hex: sha256Hex(html) }, 400, 'BAD_USER_INPUT', 'sha256'],
  ])('about its content is refused, and nothing is stored: %s', async (_name, change, status, code, field) => {
    await using server = await TransferServer.start();
    for (const body of [pdf.bytes, inChunks(pdf.bytes)]) {
      const row = server.announce(pdf, change);
      const answer = await server.upload(row, body);
      expect(answer.status).toBe(status);
      expect(errorOf(answer)).toMatchObject({ code, field });
      expect(server.register.rows.get(row.id)?.state).toBe('AWAITING');
    }
    expect(await server.files()).toEqual([]);
  });

  it('by having no bytes is refused', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    expect(errorOf(await server.upload(row, Buffer.alloc(0)))).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'sizeBytes',
    });
    expect(errorOf(await server.upload(row, inChunks(Buffer.alloc(0))))).toMatchObject({ field: 'sizeBytes' });
  });

  it('in its Content-Type header is refused', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    for (const type of ['text/html', 'application/pdfx', 'image/png']) {
      const answer = await server.upload(row, pdf.bytes, { 'content-type': type });
      expect(errorOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'Content-Type' });
    }
    const none = await send(server.uploadUrl(row), { method: 'PUT', body: pdf.bytes });
    expect(errorOf(none)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'Content-Type' });
  });

  it('is cut off while more and more bytes come', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    let sent = 0;
    async function* endless() {
      yield pdf.bytes;
      for (; sent < 10_000; sent++) yield Buffer.alloc(65_536);
    }
    const answer = await server.upload(row, endless());
    expect(answer.status).toBe(413);
    expect(answer.headers.connection).toBe('close');
    expect(await server.files()).toEqual([]);
    expect(sent).toBeLessThan(10_000);
  });
});

describe('an upload without the right', () => {
  it('is refused: expired, tampered, of another document, of another method', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    const other = server.announce(pdf);
    const url = server.uploadUrl(row);
    const urls = [
      server.uploadUrl(row, 0),
      server.uploadUrl(row, -1),
      url.slice(0, -4),
      url.replace(row.id, other.id),
      url.replace(/expires=\d+/, 'expires=99999999999'),
      url.replace('acme', 'other'),
      server.downloadUrl(row),
      url.replace(/\?.*/, ''),
    ];
    for (const refused of urls) {
      const options = { method: 'PUT', body: pdf.bytes, headers: { 'content-type': pdf.contentType } };
      const answer = await send(refused, options);
      expect(answer.status).toBe(403);
      expect(errorOf(answer).code).toBe('FORBIDDEN');
    }
    expect(await server.files()).toEqual([]);
  });

  it('cannot use the URL to read, and no other method at all', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    await server.upload(row, pdf.bytes);
    expect((await send(server.uploadUrl(row))).status).toBe(403);
    expect((await send(server.uploadUrl(row), { method: 'HEAD' })).status).toBe(403);
    for (const method of ['POST', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await send(server.uploadUrl(row), { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('PUT, GET, HEAD');
      expect(errorOf(answer).code).toBe('BAD_REQUEST');
    }
  });

  it('finds no document of another namespace, and none that is gone', async () => {
    await using server = await TransferServer.start();
    const foreign = server.announce(pdf, { namespace: 'other' });
    const gone = server.announce(pdf);
    server.register.rows.delete(gone.id);
    for (const row of [foreign, gone]) {
      const answer = await server.upload(row, pdf.bytes);
      expect(answer.status).toBe(404);
      expect(errorOf(answer)).toEqual({ code: 'NOT_FOUND', message: 'Document not found' });
    }
    expect((await send(`${server.url}/documents/../etc/passwd`, { method: 'PUT', body: pdf.bytes })).status).toBe(404);
  });
});

describe('a client that reads nothing before it wrote everything', () => {
  it('still gets to read why it is refused', async () => {
    await using server = await TransferServer.start();
    const { pathname, search, port } = new URL(server.uploadUrl(server.announce(pdf), -1));
    const bytes = Buffer.alloc(20_000_000);
    const socket = connect(Number(port), '127.0.0.1').pause();
    socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: test\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.write(bytes, () => resolve());
    });
    expect((await buffer(socket)).toString()).toMatch(/^HTTP\/1\.1 403 .*"code":"FORBIDDEN"/s);
  });
});

describe('several uploads of one document', () => {
  it('store it once: a replay is refused before its bytes are taken', async () => {
    const put = watchPut();
    await using server = await TransferServer.start({}, put.watch);
    const row = server.announce(pdf);
    await server.upload(row, pdf.bytes);
    const stored = await server.files();
    const replay = await server.upload(row, pdf.bytes);
    expect(replay.status).toBe(403);
    expect(errorOf(replay)).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('stored already') });
    server.register.rows.set(row.id, { ...server.register.rows.get(row.id)!, state: 'ATTACHED' });
    expect((await server.upload(row, pdf.bytes)).status).toBe(403);
    expect(await server.files()).toEqual(stored);
    expect(put.count()).toBe(1);
  });

  it('store it once when they come at the same time, and leave no other blob', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    const attempts = 5;
    const allHere = Promise.withResolvers<void>();
    let here = 0;
    server.register.beforeMark = () => {
      here += 1;
      if (here === attempts) allHere.resolve();
      return allHere.promise;
    };
    const answers = await Promise.all(Array.from({ length: attempts }, () => server.upload(row, inChunks(pdf.bytes))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403]);
    const [file, ...others] = await server.files();
    expect(others).toEqual([]);
    expect(file?.endsWith(server.register.rows.get(row.id)!.blobKey!)).toBe(true);
    expect(pdf.bytes.equals(await readFile(file!))).toBe(true);
  });

  it('leave no blob when the document goes meanwhile', async () => {
    await using server = await TransferServer.start();
    const row = server.announce(pdf);
    server.register.beforeMark = async () => void server.register.rows.delete(row.id);
    expect((await server.upload(row, pdf.bytes)).status).toBe(404);
    expect(await server.files()).toEqual([]);
  });
});

describe('an upload that breaks off', () => {
  const headers = { 'content-type': pdf.contentType, 'content-length': pdf.bytes.length };

  it('leaves no blob', async () => {
    const put = watchPut();
    await using server = await TransferServer.start({}, put.watch);
    const row = server.announce(pdf);
    const request = sendRequest(server.uploadUrl(row), { method: 'PUT', headers });
    request.write(pdf.bytes.subarray(0, 10_000));
    await put.started;
    request.on('error', () => undefined);
    request.destroy();
    expect(await server.files()).toEqual([]);
    expect(server.register.rows.get(row.id)?.state).toBe('AWAITING');
    expect((await server.upload(row, pdf.bytes)).status).toBe(200);
  });

  it.each([0, 100, 10_000])('for standing still after %i bytes is refused', async (bytes) => {
    await using server = await TransferServer.start({ idleMilliseconds: 100 });
    const request = sendRequest(server.uploadUrl(server.announce(pdf)), { method: 'PUT', headers });
    request.flushHeaders();
    request.write(pdf.bytes.subarray(0, bytes));
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(400);
    request.destroy();
    request.on('error', () => undefined);
    expect(await server.files()).toEqual([]);
  });

  it('for coming drop by drop is refused', async () => {
    await using server = await TransferServer.start({ idleMilliseconds: 100 });
    const request = sendRequest(server.uploadUrl(server.announce(pdf)), { method: 'PUT', headers });
    request.write(pdf.bytes.subarray(0, 5_000));
    let next = 5_000;
    const dripping = setInterval(() => request.write(pdf.bytes.subarray(next, ++next)), 20);
    const [response] = await once(request, 'response');
    clearInterval(dripping);
    expect(response.statusCode).toBe(400);
    request.destroy();
    request.on('error', () => undefined);
    expect(await server.files()).toEqual([]);
  });
});

describe('when something else fails', () => {
  it('the record: its own fault is told, with the time to wait', async () => {
    await using server = await TransferServer.start();
    server.register.beforeFind = () => Promise.reject(unavailable(2_000));
    const answer = await server.upload(server.announce(pdf), pdf.bytes);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(errorOf(answer)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 2_000 });
  });

  it('anything unforeseen: a request id, and nothing of what happened', async () => {
    await using server = await TransferServer.start();
    server.register.beforeFind = () => Promise.reject(new Error('relation "documents" does not exist'));
    const answer = await server.upload(server.announce(pdf), pdf.bytes);
    expect(answer.status).toBe(500);
    const { requestId, ...error } = errorOf(answer);
    expect(error).toEqual({ code: 'INTERNAL', message: 'Something went wrong here' });
    expect(server.logged).toContainEqual(expect.objectContaining({ requestId, level: 50 }));
  });

  it('the record’s answer gets lost after the mark: the upload is good', async () => {
    await using server = await TransferServer.start();
    server.register.afterMark = () => Promise.reject(unavailable(2_000));
    const row = server.announce(pdf);
    expect((await server.upload(row, pdf.bytes)).status).toBe(200);
    expect(await server.files()).toHaveLength(1);
  });

  it('the record’s answer gets lost, and the mark cannot be seen: the blob is kept in case it was made', async () => {
    await using server = await TransferServer.start();
    server.register.beforeMark = () => Promise.reject(unavailable(2_000));
    const row = server.announce(pdf);
    expect((await server.upload(row, pdf.bytes)).status).toBe(503);
    expect(await server.files()).toHaveLength(1);
    expect(server.logged).toContainEqual(expect.objectContaining({ documentId: row.id, level: 40 }));
  });

  it('the store: the client may come again, and the attempt is cleared away', async () => {
    const s3 = await startS3Server();
    await using server = await TransferServer.start({
      blobs: openS3BlobStore({ endpoint: s3.endpoint, bucket: s3.bucket, ...s3.credentials }),
    });
    s3.fault = 'CORRUPT_BODY';
    const row = server.announce(pdf);
    const answer = await server.upload(row, pdf.bytes);
    expect(answer.status).toBe(503);
    expect(errorOf(answer)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 10_000 });
    await server.settled();
    expect(s3.requests.map((request) => request.split(' ')[0])).toEqual(['PUT', 'DELETE']);
    s3.fault = 'NONE';
    expect((await server.upload(row, pdf.bytes)).status).toBe(200);
    await s3.stop();
  });

  it('too many at once: the rest are told to wait', async () => {
    await using server = await TransferServer.start({ atOnce: 1 });
    const arrived = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    server.register.beforeMark = () => {
      arrived.resolve();
      return go.promise;
    };
    const first = server.upload(server.announce(pdf), pdf.bytes);
    await arrived.promise;
    const second = await server.upload(server.announce(pdf), pdf.bytes);
    expect(second.status).toBe(503);
    expect(errorOf(second)).toMatchObject({ code: 'BACKPRESSURE', retryAfterMs: 1_000 });
    go.resolve();
    expect((await first).status).toBe(200);
    await server.settled();
    expect((await server.upload(server.announce(pdf), pdf.bytes)).status).toBe(200);
  });
});
