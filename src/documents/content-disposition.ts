import type { Disposition } from './signed-url.ts';

/**
 * Writes a Content-Disposition header (RFC 6266): a plain name for old readers, where everything that is not a plain
 * ASCII character became `_`, and the true one in RFC 8187's encoding. No file name can break out of it.
 */
export function formatContentDisposition(disposition: Disposition, fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\%]/g, '_');
  const exact = encodeURIComponent(fileName.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${disposition}; filename="${plain}"; filename*=UTF-8''${exact}`;
}
