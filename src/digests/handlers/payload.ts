import { badInput } from '../../domain/errors.ts';
import { parseId } from '../../domain/ids.ts';
import { parseWhole } from '../../domain/names.ts';

/** Which digest a task is about. What it says is checked against the digest's row. */
export function parseDigestId(field: string, payload: unknown): string {
  const digestId = (payload as { digestId?: unknown } | null)?.digestId;
  if (typeof digestId !== 'string') throw badInput(`${field}.digestId`, 'must be the id of a digest');
  return parseId(`${field}.digestId`, digestId);
}

/** A number from 1 on. */
export function parseCount(field: string, payload: unknown, name: string): number {
  const value = (payload as Readonly<Record<string, unknown>> | null)?.[name];
  if (typeof value !== 'number') throw badInput(`${field}.${name}`, 'must be a number');
  return parseWhole(`${field}.${name}`, value, 1, 1_000_000);
}
