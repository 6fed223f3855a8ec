import { Migration0001EngineAndCases } from './0001-engine-and-cases.ts';

/** In order; only ever appended to. */
export const migrations = [{ name: '0001-engine-and-cases', class: Migration0001EngineAndCases }] as const;
