/**
 * Browsers show no TIFF. Its strips are packed in ways that a PDF knows, too, so they are put into a PDF as they are,
 * and the viewer of PDFs unpacks them: pages, zoom and keys are the same.
 */

const pagesMax = 500;
const piecesMax = 5_000;
const sideMax = 100_000;

/** Tags of TIFF 6.0 and its supplements. */
const tag = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planar: 284,
  faxOptions: 292,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  jpegTables: 347,
} as const;

/** Bytes of a value of each type; those that no tag of ours has are missing. */
const sizeOfType: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 7: 1 };

type Tags = ReadonlyMap<number, readonly number[]>;

interface Piece {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface TiffPage {
  readonly width: number;
  readonly height: number;
  readonly rotate: number;
  /** The image dictionary's entries that say how the pieces are packed and what their samples mean. */
  readonly describe: (piece: Piece) => string;
  readonly pieces: readonly Piece[];
}

/** @returns undefined for what is no TIFF, is broken, or is packed in a way that no PDF knows */
export function wrapTiff(tiff: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  try {
    const pages = readPages(tiff);
    return pages === undefined ? undefined : writePdf(pages);
  } catch (error) {
    // Places beyond the end of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readPages(tiff: Uint8Array<ArrayBuffer>): readonly TiffPage[] | undefined {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = view.getUint16(0) === 0x4949;
  if (view.getUint16(2, little) !== 42) return undefined;
  const pages: TiffPage[] = [];
  let pieces = 0;
  for (let at = view.getUint32(4, little); at !== 0; ) {
    const { tags, next } = readTags(view, at, little);
    const page = readPage(tiff, tags);
    if (page === undefined) return undefined;
    pages.push(page);
    pieces += page.pieces.length;
    // A chain that bites its own tail ends here, too.
    if (pages.length > pagesMax || pieces > piecesMax) return undefined;
    at = next;
  }
  return pages.length === 0 ? undefined : pages;
}

function readTags(view: DataView, at: number, little: boolean): { readonly tags: Tags; readonly next: number } {
  const count = view.getUint16(at, little);
  const tags = new Map<number, readonly number[]>();
  for (let index = 0; index < count; index++) {
    const entry = at + 2 + index * 12;
    const size = sizeOfType[view.getUint16(entry + 2, little)];
    const length = view.getUint32(entry + 4, little);
    if (size === undefined || length * size > view.byteLength) continue;
    const place = length * size <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    const values = Array.from({ length }, (_, position) => {
      const where = place + position * size;
      return size === 1
        ? view.getUint8(where)
        : size === 2
          ? view.getUint16(where, little)
          : view.getUint32(where, little);
    });
    tags.set(view.getUint16(entry, little), values);
  }
  return { tags, next: view.getUint32(at + 2 + count * 12, little) };
}

function readPage(tiff: Uint8Array<ArrayBuffer>, tags: Tags): TiffPage | undefined {
  const one = (name: number, otherwise: number): number => tags.get(name)?.[0] ?? otherwise;
  const width = one(tag.width, 0);
  const height = one(tag.height, 0);
  const samples = one(tag.samplesPerPixel, 1);
  const bits = tags.get(tag.bitsPerSample) ?? [1];
  const isPlain =
    bits.every((count) => count === bits[0]) && [1, 2, 4, 8].includes(bits[0]!) && one(tag.planar, 1) === 1;
  if (width < 1 || height < 1 || width > sideMax || height > sideMax || !isPlain) return undefined;
  const colours = readColours(tags, samples, bits[0]!);
  const packing = readPacking(tags, samples, bits[0]!, width);
  const pieces = cut(tiff, tags, width, height);
  if (colours === undefined || packing === undefined || pieces === undefined) return undefined;
  const turned = one(tag.fillOrder, 1) === 2;
  const tables = tags.get(tag.jpegTables);
  return {
    width,
    height,
    rotate: { 3: 180, 6: 90, 8: 270 }[one(tag.orientation, 1)] ?? 0,
    describe: (piece) => `${colours} /BitsPerComponent ${bits[0]} ${packing(piece)}`,
    pieces: pieces.map((piece) => ({
      ...piece,
      bytes:
        tables === undefined ? (turned ? piece.bytes.map(turnByte) : piece.bytes) : withTables(tables, piece.bytes),
    })),
  };
}

/** What samples mean, in words of PDF. */
function readColours(tags: Tags, samples: number, bits: number): string | undefined {
  const photometric = tags.get(tag.photometric)?.[0];
  const isFax = [3, 4].includes(tags.get(tag.compression)?.[0] ?? 1);
  const isJpeg = tags.get(tag.compression)?.[0] === 7;
  if (samples === 1 && photometric === 0) return `/ColorSpace /DeviceGray${isFax ? '' : ' /Decode [1 0]'}`;
  if (samples === 1 && photometric === 1) return '/ColorSpace /DeviceGray';
  if (samples === 3 && (photometric === 2 || (photometric === 6 && isJpeg))) return '/ColorSpace /DeviceRGB';
  if (samples === 4 && photometric === 5) return '/ColorSpace /DeviceCMYK';
  const map = tags.get(tag.colorMap);
  const count = 2 ** bits;
  if (samples !== 1 || photometric !== 3 || map?.length !== 3 * count) return undefined;
  const hex = Array.from({ length: count }, (_, index) =>
    [0, 1, 2].map((part) => ((map[part * count + index] ?? 0) >> 8).toString(16).padStart(2, '0')).join(''),
  ).join('');
  return `/ColorSpace [/Indexed /DeviceRGB ${count - 1} <${hex}>]`;
}

/** How samples are packed, in words of PDF. */
function readPacking(tags: Tags, samples: number, bits: number, width: number): ((piece: Piece) => string) | undefined {
  const one = (name: number, otherwise: number): number => tags.get(name)?.[0] ?? otherwise;
  const predicted = (piece: Piece): string =>
    one(tag.predictor, 1) === 2
      ? ` /DecodeParms << /Predictor 2 /Colors ${samples} /BitsPerComponent ${bits} /Columns ${piece.width} >>`
      : '';
  // White is what a fax says little of; in a TIFF it may stand for either value.
  const blackIsOne = one(tag.photometric, 0) === 1;
  const fax =
    (k: number) =>
    (piece: Piece): string =>
      `/Filter /CCITTFaxDecode /DecodeParms << /K ${k} /Columns ${width} /Rows ${piece.height} /EndOfBlock false /BlackIs1 ${blackIsOne} >>`;
  switch (one(tag.compression, 1)) {
    case 1:
      return () => '';
    case 3:
      return fax(one(tag.faxOptions, 0) % 2 === 1 ? 1 : 0);
    case 4:
      return fax(-1);
    case 5:
      return one(tag.predictor, 1) > 2 ? undefined : (piece) => `/Filter /LZWDecode${predicted(piece)}`;
    case 7:
      return () => `/Filter /DCTDecode${one(tag.photometric, 6) === 2 ? ' /DecodeParms << /ColorTransform 0 >>' : ''}`;
    case 8:
    case 32_946:
      return one(tag.predictor, 1) > 2 ? undefined : (piece) => `/Filter /FlateDecode${predicted(piece)}`;
    case 32_773:
      return () => '/Filter /RunLengthDecode';
    default:
      return undefined;
  }
}

/** The strips or tiles of a page, with their places. */
function cut(tiff: Uint8Array<ArrayBuffer>, tags: Tags, width: number, height: number): readonly Piece[] | undefined {
  const tileWidth = tags.get(tag.tileWidth)?.[0];
  const isTiled = tileWidth !== undefined;
  const offsets = tags.get(isTiled ? tag.tileOffsets : tag.stripOffsets);
  const counts = tags.get(isTiled ? tag.tileByteCounts : tag.stripByteCounts);
  const across = isTiled ? tileWidth : width;
  const down = isTiled
    ? (tags.get(tag.tileHeight)?.[0] ?? 0)
    : Math.min(tags.get(tag.rowsPerStrip)?.[0] ?? height, height);
  if (offsets === undefined || counts === undefined || across < 1 || down < 1) return undefined;
  const columns = Math.ceil(width / across);
  if (offsets.length !== columns * Math.ceil(height / down) || counts.length !== offsets.length) return undefined;
  const pieces = offsets.map((offset, index) => {
    const top = Math.floor(index / columns) * down;
    return {
      left: (index % columns) * across,
      top,
      width: across,
      height: isTiled ? down : Math.min(down, height - top),
      bytes: tiff.subarray(offset, offset + counts[index]!),
    };
  });
  return pieces.every(({ bytes }, index) => bytes.length === counts[index]) ? pieces : undefined;
}

/** A JPEG whose tables lie apart: both without the marks where they were cut. */
function withTables(tables: readonly number[], bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...tables.slice(0, -2), ...bytes.subarray(2)]);
}

function turnByte(byte: number): number {
  let turned = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) turned |= 0x80 >> bit;
  return turned;
}

/** Objects 1 and 2 are the catalogue and the list of pages; each page is followed by what is drawn on it. */
function writePdf(pages: readonly TiffPage[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const places: number[] = [];
  let length = 0;
  const write = (...parts: readonly (string | Uint8Array<ArrayBuffer>)[]): void => {
    for (const part of parts) {
      const bytes = typeof part === 'string' ? encoder.encode(part) : part;
      chunks.push(bytes);
      length += bytes.length;
    }
  };
  const writeObject = (number: number, ...parts: readonly (string | Uint8Array<ArrayBuffer>)[]): void => {
    places[number] = length;
    write(`${number} 0 obj\n`, ...parts, '\nendobj\n');
  };
  const stream = (entries: string, bytes: Uint8Array<ArrayBuffer>) =>
    [`<< ${entries} /Length ${bytes.length} >>\nstream\n`, bytes, '\nendstream'] as const;
  write('%PDF-1.7\n');
  const numbers: number[] = [];
  let next = 3;
  for (const page of pages) {
    const number = next;
    numbers.push(number);
    const names = page.pieces.map((_, index) => `/P${index} ${number + 2 + index} 0 R`).join(' ');
    const drawing = page.pieces
      .map((piece, index) => {
        const bottom = page.height - piece.top - piece.height;
        return `q ${piece.width} 0 0 ${piece.height} ${piece.left} ${bottom} cm /P${index} Do Q`;
      })
      .join('\n');
    writeObject(
      number,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${page.width} ${page.height}] /Rotate ${page.rotate} ` +
        `/Contents ${number + 1} 0 R /Resources << /XObject << ${names} >> >> >>`,
    );
    writeObject(number + 1, ...stream('', encoder.encode(drawing)));
    for (const [index, piece] of page.pieces.entries()) {
      const size = `/Width ${piece.width} /Height ${piece.height}`;
      writeObject(
        number + 2 + index,
        ...stream(`/Type /XObject /Subtype /Image ${size} ${page.describe(piece)}`, piece.bytes),
      );
    }
    next += 2 + page.pieces.length;
  }
  writeObject(1, '<< /Type /Catalog /Pages 2 0 R >>');
  writeObject(
    2,
    `<< /Type /Pages /Count ${numbers.length} /Kids [${numbers.map((number) => `${number} 0 R`).join(' ')}] >>`,
  );
  const table = length;
  const lines = places.slice(1).map((place) => `${String(place).padStart(10, '0')} 00000 n \n`);
  write(`xref\n0 ${next}\n0000000000 65535 f \n`, ...lines);
  write(`trailer\n<< /Size ${next} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`);
  const pdf = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    pdf.set(chunk, at);
    at += chunk.length;
  }
  return pdf;
}
