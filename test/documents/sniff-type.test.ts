import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sniffedBytes, sniffType } from '../../src/documents/sniff-type.ts';
import { pdf, sampleDocuments } from './sample-documents.ts';

function sniff(bytes: Uint8Array): Promise<string | undefined> {
  return sniffType(bytes.subarray(0, sniffedBytes), bytes.length);
}

it.each(sampleDocuments)('knows $fileName', async ({ bytes, contentType }) => {
  expect(await sniff(bytes)).toBe(contentType);
});

it.each([
  ['HTML', '<!doctype html><script>alert(1)</script>'],
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
  ['SVG with a prolog', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['an archive', `PK\x03\x04${'\0'.repeat(60)}`],
  ['a program', `MZ${'\0'.repeat(100)}`],
  ['text', 'just some text'],
  ['a PDF behind HTML', `<html>${pdf.bytes.toString('latin1')}`],
  ['a PDF behind an ID3 tag', `ID3\x03\0\0\0\0\0\x0a${'\0'.repeat(10)}${pdf.bytes.toString('latin1')}`],
  ['a PDF behind a byte order mark', `\xef\xbb\xbf${pdf.bytes.toString('latin1')}`],
  ['four bytes of a PDF', '%PDF'],
  ['a lone PNG signature', '\x89PNG\r\n\x1a\n'],
  ['a lone TIFF header', 'II*\0\x08\0\0\0'],
  ['nothing', ''],
])('does not take %s for a document', async (_name, text) => {
  const found = await sniff(Buffer.from(text, 'latin1'));
  expect(sampleDocuments.map(({ contentType }) => contentType as string)).not.toContain(found);
});

it('knows a TIFF whose directory stands behind the picture, and none that points outside the file', async () => {
  const little = Buffer.alloc(20_000);
  little.write('II*\0', 'latin1');
  little.writeUInt32LE(19_000, 4);
  expect(await sniff(little)).toBe('image/tiff');
  const big = Buffer.alloc(20_000);
  big.write('MM\0*', 'latin1');
  big.writeUInt32BE(19_000, 4);
  expect(await sniff(big)).toBe('image/tiff');
  big.writeUInt32BE(20_000, 4);
  expect(await sniff(big)).toBeUndefined();
});

it('has an answer to any bytes behind any opening', async () => {
  const openings = [
    '',
    '%PDF-',
    '\x89PNG\r\n\x1a\n',
    '\xff\xd8\xff',
    'II*\0',
    'MM\0*',
    'PK\x03\x04',
    'ID3',
    '\x1f\x8b',
    '<?xml',
  ];
  const hostile = fc.tuple(fc.constantFrom(...openings), fc.uint8Array({ maxLength: 5_000 }), fc.nat());
  await fc.assert(
    fc.asyncProperty(hostile, async ([opening, rest, sizeBytes]) => {
      const head = Buffer.concat([Buffer.from(opening, 'latin1'), rest]).subarray(0, sniffedBytes);
      expect(typeof (await sniffType(head, sizeBytes))).toMatch(/^(string|undefined)$/);
    }),
    { numRuns: 500 },
  );
});
