import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { getDocument, OPS } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { describe, expect, it } from 'vitest';
import { wrapTiff } from '../../src/dashboard/documents/tiff-to-pdf.ts';

const wasmUrl = fileURLToPath(new URL('../../node_modules/pdfjs-dist/wasm/', import.meta.url));

type Tags = Readonly<Record<number, readonly number[]>>;

/** A TIFF of pages, each with its strips or tiles; values are of 32 bits, offsets and counts are filled in. */
function makeTiff(pages: readonly { readonly tags: Tags; readonly pieces: readonly (readonly number[])[] }[]) {
  const bytes: number[] = [0x49, 0x49, 42, 0];
  const put = (value: number, size: number): void => {
    for (let shift = 0; shift < size; shift++) bytes.push(Math.floor(value / 256 ** shift) % 256);
  };
  const fill = (place: number, value: number): void => {
    for (let shift = 0; shift < 4; shift++) bytes[place + shift] = Math.floor(value / 256 ** shift) % 256;
  };
  let link = bytes.length;
  put(0, 4);
  for (const { tags, pieces } of pages) {
    const [offsetTag, countTag] = 322 in tags ? [324, 325] : [273, 279];
    const offsets = pieces.map((piece) => {
      const offset = bytes.length;
      bytes.push(...piece);
      return offset;
    });
    const all: Tags = { ...tags, [offsetTag]: offsets, [countTag]: pieces.map((piece) => piece.length) };
    const places = new Map<number, number>();
    for (const [name, values] of Object.entries(all)) {
      if (values.length < 2) continue;
      places.set(Number(name), bytes.length);
      for (const value of values) put(value, 4);
    }
    fill(link, bytes.length);
    put(Object.keys(all).length, 2);
    for (const [name, values] of Object.entries(all)) {
      put(Number(name), 2);
      put(4, 2);
      put(values.length, 4);
      put(places.get(Number(name)) ?? values[0]!, 4);
    }
    link = bytes.length;
    put(0, 4);
  }
  return Uint8Array.from(bytes);
}

interface Drawn {
  readonly width: number;
  readonly height: number;
  readonly data: readonly number[];
}

/** What a viewer of PDFs draws: the pieces of each page, in order. */
async function draw(tiff: Uint8Array<ArrayBuffer>): Promise<readonly (readonly Drawn[])[]> {
  const task = getDocument({ data: wrapTiff(tiff)!, isOffscreenCanvasSupported: false, verbosity: 0, wasmUrl });
  const pdf = await task.promise;
  const pages: Drawn[][] = [];
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    const { fnArray, argsArray } = await page.getOperatorList();
    const names = argsArray
      .filter((_, index) => fnArray[index] === OPS.paintImageXObject)
      .map(([name]) => name as string);
    const drawn = names.map(
      (name) =>
        new Promise<Drawn>((resolve) =>
          page.objs.get(name, (image: Drawn) => resolve({ ...image, data: [...image.data] })),
        ),
    );
    pages.push(await Promise.all(drawn));
  }
  await task.destroy();
  return pages;
}

const red = [255, 0, 0];
const blue = [0, 0, 255];
/** Two rows of two pixels. */
const tags = { 256: [2], 257: [2], 258: [8, 8, 8], 262: [2], 277: [3] } as const;
const rows = [
  [...red, ...blue],
  [...blue, ...red],
] as const;

describe('a TIFF in a PDF', () => {
  it.each([
    ['as it is, in one strip', {}, [[...rows[0], ...rows[1]]], 1],
    ['as it is, in a strip a row', { 278: [1] }, rows, 2],
    ['deflated', { 259: [8] }, [[...deflateSync(Uint8Array.from([...rows[0], ...rows[1]]))]], 1],
    [
      'deflated, as differences',
      { 259: [8], 317: [2] },
      [[...deflateSync(Uint8Array.from([255, 0, 0, 1, 0, 255, 0, 0, 255, 255, 0, 1]))]],
      1,
    ],
    ['in runs', { 259: [32_773] }, [[11, ...rows[0], ...rows[1]]], 1],
  ])('is drawn %s', async (_name, more, pieces, count) => {
    const [page] = await draw(makeTiff([{ tags: { ...tags, ...more }, pieces }]));
    expect(page).toHaveLength(count);
    expect(
      page!
        .flatMap(({ data }) =>
          data.filter((_, index) => data.length % 4 !== 0 || data.length === 12 || index % 4 !== 3),
        )
        .slice(0, 12),
    ).toEqual([...rows[0], ...rows[1]]);
  });

  it('has its pages, tiles and palettes', async () => {
    const map = Array.from({ length: 768 }, (_, index) => ([0, 256].includes(index) ? 0 : 65_535));
    const palette = { 256: [2], 257: [1], 258: [8], 262: [3], 277: [1], 320: map };
    const tiled = { 256: [3], 257: [2], 258: [8], 262: [1], 277: [1], 322: [2], 323: [2] };
    const tile = [1, 2, 3, 4];
    const pages = await draw(
      makeTiff([
        { tags: palette, pieces: [[0, 1]] },
        { tags: tiled, pieces: [tile, tile] },
      ]),
    );
    expect(pages.map((page) => page.map(({ width, height }) => [width, height]))).toEqual([
      [[2, 1]],
      [
        [2, 2],
        [2, 2],
      ],
    ]);
    expect(pages[0]![0]!.data.slice(0, 3)).toEqual([0, 0, 255]);
  });

  it('of a fax is black where it is black', async () => {
    // A row of eight black pixels (horizontal: no white, eight black), and three rows like it.
    const fax = [0b00100110, 0b10100010, 0b11111110];
    const [page] = await draw(
      makeTiff([{ tags: { 256: [8], 257: [4], 258: [1], 259: [4], 262: [0], 277: [1] }, pieces: [fax] }]),
    );
    expect(page![0]).toMatchObject({ width: 8, height: 4 });
    expect(new Set(page![0]!.data.filter((value, index) => index % 4 !== 3 || value !== 255))).toEqual(new Set([0]));
  });

  it('is refused where no PDF knows its packing, and where it is broken', () => {
    const whole = makeTiff([{ tags, pieces: [[...rows[0], ...rows[1]]] }]);
    expect(wrapTiff(whole)).toBeDefined();
    expect(wrapTiff(whole.subarray(0, 40))).toBeUndefined();
    expect(wrapTiff(new Uint8Array(3))).toBeUndefined();
    expect(wrapTiff(makeTiff([{ tags: { ...tags, 259: [34_925] }, pieces: [[0]] }]))).toBeUndefined();
    expect(wrapTiff(makeTiff([{ tags: { ...tags, 258: [16, 16, 16] }, pieces: [[0]] }]))).toBeUndefined();
    expect(wrapTiff(makeTiff([{ tags: { ...tags, 278: [1] }, pieces: [[0]] }]))).toBeUndefined();
    // A list of pages without an end.
    const endless = makeTiff([{ tags, pieces: [[...rows[0], ...rows[1]]] }]);
    endless.set(endless.subarray(4, 8), endless.length - 4);
    expect(wrapTiff(endless)).toBeUndefined();
  });
});
