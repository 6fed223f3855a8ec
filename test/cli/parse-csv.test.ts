import { expect, test } from 'vitest';
import { readExampleCases, readExampleDocument } from '../../src/cli/seed/example-cases.ts';
import { parseCsv } from '../../src/cli/seed/parse-csv.ts';

test('fields in quotes may hold commas, line breaks and quotes', () => {
  expect(parseCsv('name,place\nA,"B, C"\r\n"D ""E""","F\nG"\n')).toEqual([
    { name: 'A', place: 'B, C' },
    { name: 'D "E"', place: 'F\nG' },
  ]);
});

test('empty fields stay, at the end of a line and of the text too', () => {
  expect(parseCsv('a,b\n,\n1,')).toEqual([
    { a: '', b: '' },
    { a: '1', b: '' },
  ]);
  expect(parseCsv('')).toEqual([]);
});

test('a line with another number of fields and an open quote are errors that name the place', () => {
  expect(() => parseCsv('a,b\n1\n')).toThrow('Row 2 has 1 fields instead of 2');
  expect(() => parseCsv('a,b\n1,"2\n')).toThrow('The quote at character 6 is never closed');
});

test('the example cases are 40 companies, some of them on the fast topic before the others, each with a document', () => {
  const cases = readExampleCases();
  expect(cases).toHaveLength(40);
  expect(new Set(cases.map(({ cik }) => cik)).size).toBe(40);
  const fast = cases.filter(({ topic }) => topic === 'kyc-fast').map(({ priority }) => priority);
  const other = cases.filter(({ topic }) => topic === 'cases').map(({ priority }) => priority);
  expect(fast.length + other.length).toBe(40);
  expect(fast.length).toBeGreaterThan(3);
  expect(Math.max(...fast)).toBeLessThan(Math.min(...other));
  for (const { documents } of cases) {
    expect(documents.length).toBeGreaterThan(0);
    for (const { fileName } of documents) expect(readExampleDocument(fileName).length).toBeGreaterThan(0);
  }
});
