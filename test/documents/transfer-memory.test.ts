import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as sendRequest } from 'node:http';
import { expect, it } from 'vitest';
import { pdf } from './sample-documents.ts';
import { TransferServer } from './transfer-server.ts';

const sizeBytes = 300_000_000;
const growthBytesMax = 150_000_000;

const filling = Buffer.alloc(65_536, 'x');

/** The same chunk over and over, so that the sender adds nothing to what is measured. */
async function* largeDocument(): AsyncGenerator<Buffer> {
  yield pdf.bytes;
  let left = sizeBytes - pdf.bytes.length;
  for (; left > filling.length; left -= filling.length) yield filling;
  yield filling.subarray(0, left);
}

// Sender and receiver share this process, so the bound holds for both together.
it('never holds a large document in memory, on its way in and out', { timeout: 60_000 }, async () => {
  await using server = await TransferServer.start();
  const hash = createHash('sha256');
  for await (const chunk of largeDocument()) hash.update(chunk);
  const row = server.announce(pdf, { sizeBytes, sha256Hex: hash.digest('hex') });
  const before = process.memoryUsage().rss;
  let highest = before;
  const measure = (): void => {
    highest = Math.max(highest, process.memoryUsage().rss);
  };
  async function* measured() {
    for await (const chunk of largeDocument()) {
      measure();
      yield chunk;
    }
  }
  const answer = await server.upload(row, measured(), { 'content-length': sizeBytes });
  expect(answer.status).toBe(200);
  const request = sendRequest(server.downloadUrl(row)).end();
  const [response] = await once(request, 'response');
  let received = 0;
  for await (const chunk of response) {
    received += chunk.length;
    measure();
  }
  expect(received).toBe(sizeBytes);
  expect(highest - before).toBeLessThan(growthBytesMax);
});
