/**
 * Reads comma-separated values as RFC 4180 has them: the first line names the columns, a field in double quotes may
 * hold commas, line breaks and doubled quotes.
 * @throws Error when a line has not as many fields as the first, or a quote is never closed
 */
export function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const [names, ...rows] = splitRows(text);
  if (names === undefined) return [];
  return rows.map((fields, index) => {
    if (fields.length !== names.length)
      throw new Error(`Row ${index + 2} has ${fields.length} fields instead of ${names.length}`);
    return Object.fromEntries(names.map((name, column) => [name, fields[column]!]));
  });
}

function splitRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let place = 0;
  while (place < text.length) {
    const { value, end } = text[place] === '"' ? readQuoted(text, place) : readPlain(text, place);
    row.push(value);
    if (text[end] === ',') {
      place = end + 1;
      if (place === text.length) row.push('');
      else continue;
    } else {
      place = text[end] === '\r' ? end + 2 : end + 1;
    }
    rows.push(row);
    row = [];
  }
  return rows;
}

interface Field {
  readonly value: string;
  /** Where the comma or the line break behind it stands. */
  readonly end: number;
}

function readPlain(text: string, start: number): Field {
  const length = text.slice(start).search(/[,\r\n]/);
  const end = length === -1 ? text.length : start + length;
  return { value: text.slice(start, end), end };
}

function readQuoted(text: string, start: number): Field {
  const match = /^"((?:[^"]|"")*)"/.exec(text.slice(start));
  if (match === null) throw new Error(`The quote at character ${start} is never closed`);
  return { value: match[1]!.replaceAll('""', '"'), end: start + match[0].length };
}
