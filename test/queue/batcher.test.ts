import { describe, expect, test } from 'vitest';
import { createBatcher } from '../../src/queue/batcher.ts';

interface Entry {
  readonly name: string;
  readonly caseId?: string;
  readonly bad?: boolean;
}

/** PostgreSQL's error for a value that it cannot store. */
class ValueError extends Error {
  readonly code = '22P05';
}

/** A batcher whose statements are written down; a bad entry fails its whole statement, as in PostgreSQL. */
function batchInto(statements: string[][], failure: () => Error = () => new ValueError('not storable')) {
  return createBatcher<Entry, string>({
    apart: (entry) => entry.caseId,
    run: async (entries) => {
      statements.push(entries.map((entry) => entry.name));
      if (entries.some((entry) => entry.bad)) throw failure();
      return entries.map((entry) => `done ${entry.name}`);
    },
  });
}

async function outcomes(answers: readonly Promise<string>[]): Promise<string[]> {
  const ends = await Promise.allSettled(answers);
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as Error).message));
}

describe('a batcher', () => {
  test('puts what comes together into one statement', async () => {
    const statements: string[][] = [];
    const batch = batchInto(statements);
    expect(await outcomes([batch({ name: 'a' }), batch({ name: 'b' })])).toEqual(['done a', 'done b']);
    expect(statements).toEqual([['a', 'b']]);
  });

  test('fails nobody but the caller whose values a statement cannot take', async () => {
    const statements: string[][] = [];
    const batch = batchInto(statements);
    const entries = [{ name: 'a' }, { name: 'b', bad: true }, { name: 'c' }];
    expect(await outcomes(entries.map(batch))).toEqual(['done a', 'not storable', 'done c']);
    expect(statements).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']]);
  });

  test('runs entries of one case one after the other', async () => {
    const statements: string[][] = [];
    const batch = batchInto(statements);
    const entries = [
      { name: 'a', caseId: '1' },
      { name: 'b', caseId: '1' },
      { name: 'c', caseId: '2' },
    ];
    expect(await outcomes(entries.map(batch))).toEqual(['done a', 'done b', 'done c']);
    expect(statements).toEqual([['a', 'c'], ['b']]);
  });

  test('does not run again what is committed when a later entry of the same case has bad values', async () => {
    const statements: string[][] = [];
    const batch = batchInto(statements);
    const entries = [
      { name: 'a', caseId: '1' },
      { name: 'b', caseId: '1', bad: true },
      { name: 'c', caseId: '2' },
      { name: 'd', caseId: '2' },
    ];
    expect(await outcomes(entries.map(batch))).toEqual(['done a', 'not storable', 'done c', 'done d']);
    expect(statements).toEqual([['a', 'c'], ['b', 'd'], ['b'], ['d']]);
  });

  test('answers what is committed also when the server is gone for the later entries', async () => {
    const statements: string[][] = [];
    const batch = batchInto(statements, () => new Error('connection lost'));
    const entries = [
      { name: 'a', caseId: '1' },
      { name: 'b', caseId: '1', bad: true },
    ];
    expect(await outcomes(entries.map(batch))).toEqual(['done a', 'connection lost']);
    expect(statements).toEqual([['a'], ['b']]);
  });
});
