import type { ByteRange } from './blob-store.ts';

/**
 * Reads a Range header (RFC 9110, section 14) of one part. Anything else, such as several parts or another unit, is
 * answered with the whole, as the standard allows.
 * @returns the part, 'WHOLE', or 'OUTSIDE' when it has no byte of the blob
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'WHOLE' | 'OUTSIDE' {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || from + to === '') return 'WHOLE';
  if (from === '') return partFrom(Math.max(0, sizeBytes - Number(to)), sizeBytes - 1);
  if (to !== '' && Number(to) < Number(from)) return 'WHOLE';
  return partFrom(Number(from), to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1));
}

function partFrom(first: number, last: number): ByteRange | 'OUTSIDE' {
  return first <= last ? { first, last } : 'OUTSIDE';
}
