import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { countPages } from '../../src/documents/count-pages.ts';

const never = new AbortController().signal;
const read = (name: string) => new Uint8Array(readFileSync(new URL(`../../data/documents/${name}`, import.meta.url)));

it('counts pages, and says of what is broken that it is', async () => {
  expect(await countPages(read('pdflatex-4-pages.pdf'), never)).toEqual({ pages: 4 });
  const broken = new TextEncoder().encode('%PDF-1.7\nthis is all there is');
  expect(await countPages(broken, never)).toEqual({ fault: 'BROKEN' });
});

it('gives up on what takes too long, and when nobody waits any more', async () => {
  expect(await countPages(read('pdflatex-4-pages.pdf'), never, 1)).toEqual({ fault: 'TOO_SLOW' });
  const stopping = new AbortController();
  const counting = countPages(read('pdflatex-4-pages.pdf'), stopping.signal);
  stopping.abort(new Error('stopped'));
  await expect(counting).rejects.toThrow('stopped');
});
