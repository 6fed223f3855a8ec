import { expect, it } from 'vitest';
import { BytesDiffer, checkBytes } from '../../src/documents/checked-bytes.ts';
import { inChunks, pdf, sha256Hex } from './sample-documents.ts';

const expected = { sizeBytes: pdf.bytes.length, sha256Hex: sha256Hex(pdf.bytes) };

it.each([
  ['more', { sizeBytes: expected.sizeBytes - 500 }, 'MORE'],
  ['fewer', { sizeBytes: expected.sizeBytes + 500 }, 'FEWER'],
  ['other', { sha256Hex: sha256Hex(Buffer.from('other')) }, 'DIGEST'],
])('never passes all of the bytes on when they are %s', async (_name, change: Partial<typeof expected>, difference) => {
  for (const size of [1, 1_000, pdf.bytes.length]) {
    const passed: Uint8Array[] = [];
    const passing = (async () => {
      for await (const chunk of checkBytes(inChunks(pdf.bytes, size), { ...expected, ...change })) passed.push(chunk);
    })();
    await expect(passing).rejects.toThrow(expect.objectContaining({ name: 'BytesDiffer', difference }));
    await expect(passing).rejects.toThrow(BytesDiffer);
    expect(Buffer.concat(passed).length).toBeLessThan(Math.min(pdf.bytes.length, change.sizeBytes ?? Infinity));
  }
});

it('passes everything on, unchanged, when it is right', async () => {
  const passed: Uint8Array[] = [];
  for await (const chunk of checkBytes(inChunks(pdf.bytes, 777), expected)) passed.push(chunk);
  expect(pdf.bytes.equals(Buffer.concat(passed))).toBe(true);
});
