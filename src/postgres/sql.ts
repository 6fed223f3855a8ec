import { readdirSync, readFileSync } from 'node:fs';

/** A statement of `sql/`: prepared once a connection under its file's name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const folder = new URL('./sql/', import.meta.url);

export function loadStatement(name: string): Statement {
  return { name, text: readFileSync(new URL(`${name}.sql`, folder), 'utf8') };
}

/** A statement that PostgreSQL plans for its values each time: for lists, whose filters decide which index serves. */
export function planEachTime(statement: Statement): Statement {
  return { name: '', text: statement.text };
}

/**
 * A statement with a part of `sql/parts` in the place that it keeps for one, so that what is rarely wanted costs nothing
 * when it is not.
 */
export function loadStatementWith(name: string, part: string): Statement {
  const place = '\n-- part\n';
  const { text } = loadStatement(name);
  if (text.split(place).length !== 2) throw new Error(`The statement ${name} has no place for a part`);
  const inserted = readFileSync(new URL(`parts/${part}.sql`, folder), 'utf8');
  return { name: `${name}-with-${part}`, text: text.replace(place, () => `\n${inserted}`) };
}

/** The functions that statements call. `migrate` puts them in place anew each time; see sql/functions. */
export function loadFunctions(): readonly Statement[] {
  const functions = new URL('functions/', folder);
  return readdirSync(functions)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -4), text: readFileSync(new URL(file, functions), 'utf8') }));
}

/** PostgreSQL's text for a timestamptz (`2026-11-20 21:50:51.123456+00`, the connections' time zone is UTC) as a Date. */
export function toDate(text: string): Date {
  return new Date(`${text.slice(0, 10)}T${text.slice(11).replace(/\+00$/, 'Z')}`);
}
