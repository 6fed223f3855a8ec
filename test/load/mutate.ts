import { Client } from 'pg';
import { vi } from 'vitest';
import { Shard } from '../../src/postgres/shard.ts';
import type { Statement } from '../../src/postgres/sql.ts';
import { loadFunctions } from '../../src/postgres/sql.ts';

/** Plants bugs into the running engine: in the text of a statement, in a function of the database, or around a call. */

type Run = (statement: Statement, values: readonly unknown[]) => Promise<object[]>;
/** Stands before a shard's `run`. @param proceed runs a statement as the shard would */
export type Interference = (
  shard: Shard,
  statement: Statement,
  values: readonly unknown[],
  proceed: Run,
) => Promise<object[]>;

/** Puts something before every statement of this process. @returns what takes it away again */
export function interfere(interference: Interference): () => void {
  const original = Shard.prototype.run;
  const spy = vi.spyOn(Shard.prototype, 'run').mockImplementation(function (this: Shard, statement, values) {
    const proceed: Run = (changed, changedValues) => original.call(this, changed, changedValues);
    return interference(this, statement, values, proceed) as Promise<never>;
  });
  return () => spy.mockRestore();
}

let mutants = 0;

/** Changes the text of one statement. */
export function rewriteStatement(name: string, change: (text: string) => string): () => void {
  const mutant = `${name}-mutant-${++mutants}`;
  return interfere((_shard, statement, values, proceed) => {
    if (statement.name !== name) return proceed(statement, values);
    // Under a name of its own: the connections have the true one prepared, and those of other mutants.
    return proceed({ name: mutant, text: mustChange(name, statement.text, change) }, values);
  });
}

/** Changes a function of the database. @returns what puts the true one back */
export async function rewriteFunction(
  databaseUrl: string,
  name: string,
  change: (text: string) => string,
): Promise<() => Promise<void>> {
  const definition = readFunction(name);
  await define(databaseUrl, mustChange(name, definition, change));
  return () => define(databaseUrl, definition);
}

export function readFunction(name: string): string {
  const found = loadFunctions().find((statement) => statement.name === name);
  if (found === undefined) throw new Error(`there is no function ${name}`);
  return found.text;
}

export async function define(databaseUrl: string, text: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** A mutant that is no different proves nothing: it fails when the text that it looks for is not there any more. */
export function mustChange(name: string, text: string, change: (text: string) => string): string {
  const changed = change(text);
  if (changed === text) throw new Error(`the mutant of ${name} changes nothing`);
  return changed;
}
