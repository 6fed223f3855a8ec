import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { request as sendRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import type { BlobStore } from '../../src/documents/blob-store.ts';
import type { DocumentRow } from '../../src/documents/document-register.ts';
import { openS3BlobStore } from '../../src/documents/s3-blob-store.ts';
import { startS3Server } from './s3-server.ts';
import { pdf, type SampleDocument, sampleDocuments } from './sample-documents.ts';
import { errorOf, send, TransferServer } from './transfer-server.ts';

async function store(server: TransferServer, sample: SampleDocument, fileName = sample.fileName): Promise<DocumentRow> {
  const row = server.announce({ ...sample, fileName });
  expect((await server.upload(row, sample.bytes)).status).toBe(200);
  return row;
}

/** Remembers the streams that a store opened. */
function watchGet(): { readonly opened: (Readable & { bytesRead?: number })[]; watch(store: BlobStore): BlobStore } {
  const opened: Readable[] = [];
  return {
    opened,
    watch: (inner) => ({
      ...inner,
      async get(key, range) {
        const stream = await inner.get(key, range);
        if (stream !== undefined) opened.push(stream);
        return stream;
      },
    }),
  };
}

it.each(sampleDocuments)('gives the bytes back under the stored type: $fileName', async (sample) => {
  await using server = await TransferServer.start();
  const row = await store(server, sample);
  const answer = await send(server.downloadUrl(row));
  expect(answer.status).toBe(200);
  expect(sample.bytes.equals(answer.body)).toBe(true);
  expect(answer.headers).toMatchObject({
    'content-type': sample.contentType,
    'content-length': String(sample.bytes.length),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'accept-ranges': 'bytes',
    etag: `"${row.sha256Hex}"`,
  });
  expect(answer.headers['content-disposition']).toMatch(/^inline; filename="/);
});

it('offers an attachment under a safe name, whatever the name is', async () => {
  await using server = await TransferServer.start();
  const row = await store(server, pdf, 'a "b"\r\nSet-Cookie: c=d 中.exe');
  const { headers } = await send(server.downloadUrl(row, 'attachment'));
  expect(headers['content-disposition']).toBe(
    `attachment; filename="a _b___Set-Cookie: c=d _.exe.pdf"; filename*=UTF-8''a%20%22b%22%0D%0ASet-Cookie%3A%20c%3Dd%20%E4%B8%AD.exe.pdf`,
  );
  expect(headers['set-cookie']).toBeUndefined();
});

it('may be kept by the reader’s own browser as long as the URL lives', async () => {
  await using server = await TransferServer.start();
  server.now = 1_800_000_000_000;
  const row = await store(server, pdf);
  const url = server.downloadUrl(row, 'inline', 60);
  server.now += 15_000;
  expect((await send(url)).headers['cache-control']).toBe('private, max-age=45');
});

it('answers HEAD with the headers alone', async () => {
  await using server = await TransferServer.start();
  const row = await store(server, pdf);
  const answer = await send(server.downloadUrl(row), { method: 'HEAD' });
  expect(answer).toMatchObject({ status: 200, headers: { 'content-length': String(pdf.bytes.length) } });
  expect(answer.body).toHaveLength(0);
});

it('gives a part, from a folder and from S3', async () => {
  const s3 = await startS3Server();
  const blobs = openS3BlobStore({ endpoint: s3.endpoint, bucket: s3.bucket, ...s3.credentials });
  for (const options of [{}, { blobs }]) {
    await using server = await TransferServer.start(options);
    const row = await store(server, pdf);
    const part = await send(server.downloadUrl(row), { headers: { range: 'bytes=100-299' } });
    expect(part.status).toBe(206);
    expect(part.headers['content-range']).toBe(`bytes 100-299/${pdf.bytes.length}`);
    expect(pdf.bytes.subarray(100, 300).equals(part.body)).toBe(true);
    const whole = await send(server.downloadUrl(row));
    expect(pdf.bytes.equals(whole.body)).toBe(true);
    const outside = await send(server.downloadUrl(row), { headers: { range: `bytes=${pdf.bytes.length}-` } });
    expect(outside).toMatchObject({ status: 416, headers: { 'content-range': `bytes */${pdf.bytes.length}` } });
  }
  await s3.stop();
});

it('gives a part only of the version that the client has', async () => {
  await using server = await TransferServer.start();
  const row = await store(server, pdf);
  const ask = (tag: string) => send(server.downloadUrl(row), { headers: { range: 'bytes=0-9', 'if-range': tag } });
  expect((await ask(`"${row.sha256Hex}"`)).status).toBe(206);
  expect((await ask('"another"')).status).toBe(200);
});

it('is refused without the right: expired, tampered, of another document or method', async () => {
  await using server = await TransferServer.start();
  const row = await store(server, pdf);
  const other = await store(server, pdf);
  const url = server.downloadUrl(row);
  const urls = [
    server.downloadUrl(row, 'inline', 0),
    url.replace(row.id, other.id),
    url.replace('inline', 'attachment'),
    url.replace(/expires=\d+/, 'expires=99999999999'),
    server.uploadUrl(row),
  ];
  for (const refused of urls) {
    const answer = await send(refused);
    expect(answer.status).toBe(403);
    expect(errorOf(answer).code).toBe('FORBIDDEN');
  }
});

it('finds nothing that is awaited, gone, or of another namespace', async () => {
  await using server = await TransferServer.start();
  const awaited = server.announce(pdf);
  const foreign = await store(server, pdf);
  const stored = server.register.rows.get(foreign.id)!;
  server.register.rows.set(foreign.id, { ...stored, namespace: 'other' });
  const gone = await store(server, pdf);
  server.register.rows.delete(gone.id);
  for (const row of [awaited, foreign, gone]) {
    expect(errorOf(await send(server.downloadUrl(row)))).toEqual({ code: 'NOT_FOUND', message: 'Document not found' });
  }
});

it('is a logged fault when the bytes are missing', async () => {
  await using server = await TransferServer.start();
  const row = await store(server, pdf);
  for (const file of await server.files()) await rm(file);
  const answer = await send(server.downloadUrl(row));
  expect(answer.status).toBe(500);
  expect(errorOf(answer).message).toBe('Something went wrong here');
  const { blobKey } = server.register.rows.get(row.id)!;
  expect(JSON.stringify(server.logged)).toContain(blobKey);
});

it('breaks the connection when the store gives fewer bytes than it should, and says when the store is away', async () => {
  const s3 = await startS3Server();
  await using server = await TransferServer.start({
    blobs: openS3BlobStore({ endpoint: s3.endpoint, bucket: s3.bucket, ...s3.credentials }),
  });
  const row = await store(server, pdf);
  s3.fault = 'SHORT_ANSWER';
  await expect(send(server.downloadUrl(row))).rejects.toThrow('aborted');
  await server.settled();
  expect(server.logged).toContainEqual(expect.objectContaining({ level: 50 }));
  await s3.stop();
  const away = await send(server.downloadUrl(row));
  expect(away.status).toBe(503);
  expect(errorOf(away).code).toBe('UNAVAILABLE');
});

it('closes the blob when the client goes away', async () => {
  const get = watchGet();
  await using server = await TransferServer.start({}, get.watch);
  const row = await store(server, { ...pdf, bytes: Buffer.concat([pdf.bytes, Buffer.alloc(30_000_000)]) });
  const request = sendRequest(server.downloadUrl(row)).end();
  const [response] = await once(request, 'response');
  await once(response, 'data');
  response.on('error', () => undefined);
  request.destroy();
  await server.settled();
  expect(get.opened[0]?.destroyed).toBe(true);
  expect(server.logged.filter(({ level }) => level === 50)).toEqual([]);
});

it('reads no further than the client takes, and ends when it takes nothing', async () => {
  const get = watchGet();
  await using server = await TransferServer.start({ idleMilliseconds: 300 }, get.watch);
  const row = await store(server, { ...pdf, bytes: Buffer.concat([pdf.bytes, Buffer.alloc(60_000_000)]) });
  const request = sendRequest(server.downloadUrl(row)).end();
  const [response] = await once(request, 'response');
  await server.settled();
  expect(get.opened[0]?.destroyed).toBe(true);
  expect(get.opened[0]?.bytesRead).toBeLessThan(30_000_000);
  await expect(buffer(response)).rejects.toThrow('aborted');
});
