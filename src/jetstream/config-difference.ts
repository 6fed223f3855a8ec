import { isDeepStrictEqual } from 'node:util';
import type { ApiConfig } from './topology.ts';

export interface FieldDifference {
  readonly field: string;
  readonly wanted: unknown;
  readonly kept: unknown;
}

/**
 * Compares a configuration with what a server has. Only the fields that the file names count: servers add others, and
 * leave out those that are empty, zero or false.
 */
export function compareConfig(wanted: ApiConfig, kept: ApiConfig): readonly FieldDifference[] {
  const differences: FieldDifference[] = [];
  for (const [field, value] of Object.entries(wanted)) {
    const same = isDeepStrictEqual(value, kept[field]) || (isEmpty(value) && isEmpty(kept[field]));
    if (!same) differences.push({ field, wanted: value, kept: kept[field] });
  }
  return differences;
}

export function describeDifference({ field, wanted, kept }: FieldDifference): string {
  return `${field} is ${JSON.stringify(kept) ?? 'not set'}, wanted ${JSON.stringify(wanted)}`;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
