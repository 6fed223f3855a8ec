import { fileTypeFromBuffer } from 'file-type';
import type { DocumentContentType } from '../domain/document.ts';

/** How many of the first bytes a type is told from. */
export const sniffedBytes = 4_100;

// A reader that looks past a tag or a mark at the front would find a type where a browser finds none.
const openings: Readonly<Record<DocumentContentType, readonly string[]>> = {
  'application/pdf': ['255044462d'],
  'image/png': ['89504e470d0a1a0a'],
  'image/jpeg': ['ffd8ff'],
  'image/tiff': ['49492a00', '4d4d002a', '49492b00', '4d4d002b'],
};

/**
 * Tells a content type from the first bytes.
 * @param head the first `sniffedBytes` bytes, or all of them when there are fewer
 * @param sizeBytes how many there are in all
 * @returns undefined when they show no type that is known
 */
export async function sniffType(head: Uint8Array, sizeBytes: number): Promise<string | undefined> {
  const found = (await fileTypeFromBuffer(head))?.mime;
  if (found === undefined) return hasLateTiffDirectory(head, sizeBytes) ? 'image/tiff' : undefined;
  const allowed = openings[found as DocumentContentType];
  if (allowed === undefined) return found;
  const start = Buffer.from(head.subarray(0, 8)).toString('hex');
  return allowed.some((opening) => start.startsWith(opening)) ? found : undefined;
}

/** Many programs write a TIFF's directory behind its picture, far beyond the first bytes; the header says where. */
function hasLateTiffDirectory(head: Uint8Array, sizeBytes: number): boolean {
  if (head.length < 8) return false;
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const opening = bytes.toString('hex', 0, 4);
  if (opening !== '49492a00' && opening !== '4d4d002a') return false;
  const directory = opening === '49492a00' ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
  // One directory: a count of two bytes, at least one entry of twelve, and the next one's place in four.
  return directory + 18 > head.length && directory + 18 <= sizeBytes;
}
