import { badInput, Fault } from './errors.ts';
import { limits } from './limits.ts';
import { parseText, parseWhole } from './names.ts';

/** What a document may be. Each is told by its first bytes, and no browser runs any of them as a page. */
export const documentContentTypes = ['application/pdf', 'image/png', 'image/jpeg', 'image/tiff'] as const;
export type DocumentContentType = (typeof documentContentTypes)[number];

/** What a client says about the bytes that it is going to upload. */
export interface DocumentDeclaration {
  /** 1 to 200 characters, normalised to NFC, without path separators and hidden characters. */
  readonly fileName: string;
  readonly contentType: DocumentContentType;
  readonly sizeBytes: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256Hex: string;
}

/** The same as it comes from outside. */
export interface DocumentDeclarationInput {
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Hexadecimal or Base64. */
  readonly sha256: string;
}

/**
 * Takes the declaration of an upload.
 * @param path where the fields stand in the client's input, for the error: `input`
 * @param bytesMax the largest document that this installation takes, in bytes
 * @throws Fault `BAD_USER_INPUT` naming the field; `PAYLOAD_TOO_LARGE` for a size over `bytesMax`
 */
export function parseDocumentDeclaration(
  path: string,
  input: DocumentDeclarationInput,
  bytesMax: number,
): DocumentDeclaration {
  return {
    fileName: parseFileName(`${path}.fileName`, input.fileName),
    contentType: parseContentType(`${path}.contentType`, input.contentType),
    sizeBytes: parseSize(`${path}.sizeBytes`, input.sizeBytes, bytesMax),
    sha256Hex: parseSha256(`${path}.sha256`, input.sha256),
  };
}

// Beside what no text may have: separators of paths, of lines, and the Arabic mark that turns direction.
const unfitForFileNames = /[/\\\u2028\u2029\u061c]/;

function parseFileName(field: string, value: string): string {
  const name = parseText(field, value, { charactersMax: limits.fileNameCharacters });
  if (unfitForFileNames.test(name)) throw badInput(field, 'has a path separator or a hidden character');
  if (name === '.' || name === '..') throw badInput(field, 'is not the name of a file');
  return name;
}

function parseContentType(field: string, value: string): DocumentContentType {
  const type = documentContentTypes.find((allowed) => allowed === value.toLowerCase());
  if (type === undefined) throw badInput(field, `must be one of ${documentContentTypes.join(', ')}`);
  return type;
}

function parseSize(field: string, value: number, bytesMax: number): number {
  if (value > bytesMax) {
    throw new Fault('PAYLOAD_TOO_LARGE', `${field}: a document may have at most ${bytesMax} bytes`, { field });
  }
  return parseWhole(field, value, 1, bytesMax);
}

function parseSha256(field: string, value: string): string {
  if (/^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
  if (/^[0-9a-z+/_-]{43}=?$/i.test(value)) return Buffer.from(value, 'base64').toString('hex');
  throw badInput(field, 'must be a SHA-256 digest: 64 hexadecimal digits, or Base64');
}

/**
 * The rule on lies: the type that the content shows must be the one that was declared.
 * @param shown the type that the first bytes show, undefined when they show none
 * @throws Fault `BAD_USER_INPUT` otherwise
 */
export function requireShownType(declared: string, shown: string | undefined): void {
  if (shown === declared) return;
  throw badInput(
    'contentType',
    shown === undefined
      ? `the content is not ${declared}, which was declared`
      : `the content is ${shown}, but ${declared} was declared`,
  );
}

const fileNameEndings: Readonly<Record<DocumentContentType | 'application/json', readonly [string, ...string[]]>> = {
  'application/json': ['.json'],
  'application/pdf': ['.pdf'],
  'image/png': ['.png'],
  'image/jpeg': ['.jpg', '.jpeg', '.jpe', '.jfif'],
  'image/tiff': ['.tif', '.tiff'],
};

/**
 * The name under which a browser may save a document. It always ends as its content type does, because a desktop
 * goes by the ending: `invoice.pdf.exe` becomes `invoice.pdf.exe.pdf`, and nothing on it is run.
 */
export function nameForSaving(fileName: string, contentType: DocumentContentType | 'application/json'): string {
  const endings = fileNameEndings[contentType];
  const lower = fileName.toLowerCase();
  return endings.some((ending) => lower.endsWith(ending)) ? fileName : `${fileName}${endings[0]}`;
}
