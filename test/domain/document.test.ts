import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nameForSaving, parseDocumentDeclaration, requireShownType } from '../../src/domain/document.ts';
import { Fault } from '../../src/domain/errors.ts';

const digest = createHash('sha256').update('some bytes');
const digestHex = digest.copy().digest('hex');
const good = { fileName: 'passport.pdf', contentType: 'application/pdf', sizeBytes: 10, sha256: digestHex };

function parse(change: Partial<typeof good>) {
  return parseDocumentDeclaration('input', { ...good, ...change }, 1_000);
}

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

describe('a declaration', () => {
  it('is taken as it is when it is right', () => {
    expect(parse({})).toEqual({
      fileName: 'passport.pdf',
      contentType: 'application/pdf',
      sizeBytes: 10,
      sha256Hex: digestHex,
    });
  });

  it.each(['application/pdf', 'image/png', 'image/jpeg', 'image/tiff'])('may be of %s', (contentType) => {
    expect(parse({ contentType: contentType.toUpperCase() }).contentType).toBe(contentType);
  });

  it.each(['image/svg+xml', 'text/html', 'application/zip', 'image/jpg', 'constructor', ''])(
    'may not be of %j',
    (contentType) => {
      expect(faultOf(() => parse({ contentType }))).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.contentType',
      });
    },
  );

  it('takes a digest in hexadecimal of either case and in Base64 of either alphabet', () => {
    expect(parse({ sha256: digestHex.toUpperCase() }).sha256Hex).toBe(digestHex);
    expect(parse({ sha256: digest.copy().digest('base64') }).sha256Hex).toBe(digestHex);
    expect(parse({ sha256: digest.copy().digest('base64url') }).sha256Hex).toBe(digestHex);
  });

  it.each(['', digestHex.slice(1), `${digestHex}0`, 'z'.repeat(64), `${'A'.repeat(42)}=`, `${'A'.repeat(44)}`])(
    'refuses %j for a digest',
    (sha256) => {
      expect(faultOf(() => parse({ sha256 }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.sha256' });
    },
  );

  it('has from 1 byte to the limit', () => {
    expect(parse({ sizeBytes: 1 }).sizeBytes).toBe(1);
    expect(parse({ sizeBytes: 1_000 }).sizeBytes).toBe(1_000);
    for (const sizeBytes of [0, -1, 1.5, Number.NaN]) {
      expect(faultOf(() => parse({ sizeBytes }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.sizeBytes' });
    }
    for (const sizeBytes of [1_001, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(faultOf(() => parse({ sizeBytes }))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    }
  });

  it('keeps a file name that people use, normalised to NFC', () => {
    expect(parse({ fileName: 'Re\u0301sume\u0301 "final" 中文 😀.pdf' }).fileName).toBe('Résumé "final" 中文 😀.pdf');
    expect(parse({ fileName: '😀'.repeat(200) }).fileName).toBe('😀'.repeat(200));
  });

  it.each([
    '',
    '   ',
    'a'.repeat(201),
    '😀'.repeat(201),
    '../secrets.pdf',
    'folder\\file.pdf',
    '.',
    '..',
    'line\r\nSet-Cookie: a=b.pdf',
    'nothing\0.pdf',
    'invoice\u202efdp.exe',
    'line\u2028.pdf',
    'broken\ud800.pdf',
  ])('refuses the file name %j', (fileName) => {
    expect(faultOf(() => parse({ fileName }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.fileName' });
  });
});

describe('the shown type', () => {
  it('must be the declared one', () => {
    expect(() => requireShownType('image/png', 'image/png')).not.toThrow();
    expect(faultOf(() => requireShownType('image/png', 'image/jpeg')).message).toContain('image/jpeg');
    expect(faultOf(() => requireShownType('image/png', undefined)).code).toBe('BAD_USER_INPUT');
  });
});

describe('the name for saving', () => {
  it('ends as the type does', () => {
    expect(nameForSaving('scan.PDF', 'application/pdf')).toBe('scan.PDF');
    expect(nameForSaving('photo.jpeg', 'image/jpeg')).toBe('photo.jpeg');
    expect(nameForSaving('photo.png', 'image/jpeg')).toBe('photo.png.jpg');
    expect(nameForSaving('invoice.pdf.exe', 'application/pdf')).toBe('invoice.pdf.exe.pdf');
    expect(nameForSaving('passport', 'image/tiff')).toBe('passport.tif');
  });
});
