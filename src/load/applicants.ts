import { existsSync, readFileSync } from 'node:fs';

/** Where the project keeps its public data; see the note on sources beside it. */
const companiesFile = new URL('../../data/companies.csv', import.meta.url);

/** Names the n-th applicant: a real company where the data is at hand, else a number. Names repeat with a number after them. */
export function createApplicantNames(file: URL = companiesFile): (n: number) => string {
  const names = existsSync(file) ? readFirstColumn(readFileSync(file, 'utf8')) : [];
  if (names.length === 0) return (n) => `Applicant ${n + 1}`;
  return (n) => {
    const name = names[n % names.length]!;
    return n < names.length ? name : `${name} (${Math.floor(n / names.length) + 1})`;
  };
}

/** The first column of a table of comma-separated values, without its heading; a quoted name may have commas in it. */
function readFirstColumn(text: string): string[] {
  const names: string[] = [];
  for (const line of text.split(/\r?\n/).slice(1)) {
    const match = /^(?:"((?:[^"]|"")*)"|([^,]*))/.exec(line);
    const name = (match?.[1]?.replaceAll('""', '"') ?? match?.[2] ?? '').trim();
    if (name !== '') names.push(name);
  }
  return names;
}
