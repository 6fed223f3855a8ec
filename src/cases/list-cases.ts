import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, requireRole } from '../domain/actor.ts';
import type { CaseStatus } from '../domain/case.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { CaseRow, HeldCase } from './case-rows.ts';
import { toHeldCase } from './case-rows.ts';

const statements = {
  REGISTERED_ASC: loadStatement('list-cases-oldest-first'),
  REGISTERED_DESC: loadStatement('list-cases-newest-first'),
  PRIORITY: loadStatement('list-cases-by-priority'),
} as const;

export const caseOrders = ['REGISTERED_ASC', 'REGISTERED_DESC', 'PRIORITY'] as const;
export type CaseOrder = (typeof caseOrders)[number];

export interface CaseListArguments {
  readonly namespace: string;
  readonly filter?: {
    readonly status?: readonly CaseStatus[] | null;
    readonly topic?: string | null;
    readonly registrant?: string | null;
    readonly holder?: string | null;
  } | null;
  readonly orderBy: CaseOrder;
  readonly first: number;
  readonly after?: string | null;
}

export interface CaseList {
  readonly edges: readonly { readonly cursor: string; readonly node: HeldCase }[];
  readonly hasNextPage: boolean;
  /** Shards that did not answer: what they have is missing. */
  readonly partialShards?: readonly number[];
}

/**
 * Lists a namespace's cases, page by page; applicants get their own only. `PRIORITY` is the order in which open cases
 * are handed out.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createListCases(
  shard: Shard,
): (actor: Actor | undefined, input: CaseListArguments) => Promise<CaseList> {
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['applicant', 'auditor', 'supervisor', 'operator']);
    const seesAll = hasAnyRole(actor, ['auditor', 'supervisor', 'operator']);
    const filter = input.filter ?? {};
    const registrant = seesAll ? parseOptional('filter.registrant', filter.registrant) : actor.subject;
    if (!seesAll && filter.holder !== null && filter.holder !== undefined) {
      throw badInput('filter.holder', 'is not for applicants');
    }
    const topic = filter.topic === null || filter.topic === undefined ? null : parseName('filter.topic', filter.topic);
    const holder = parseOptional('filter.holder', filter.holder);
    const after = decodeListCursor(input.orderBy, input.after);
    const statement = statements[input.orderBy];
    const rows = await shard.run<CaseRow & { sort_time: string }>(statement, [
      namespace,
      filter.status === null || filter.status === undefined || filter.status.length === 0 ? null : filter.status,
      topic,
      registrant,
      holder,
      ...after,
      input.first + 1,
    ]);
    return {
      edges: rows
        .slice(0, input.first)
        .map((row) => ({ cursor: encodeListCursor(input.orderBy, row), node: toHeldCase(row) })),
      hasNextPage: rows.length > input.first,
    };
  };
}

/** Compares places in a list, for lists that lie on several shards. */
export function compareListEdges(order: CaseOrder, a: CaseList['edges'][number], b: CaseList['edges'][number]): number {
  const byId = a.node.case.id < b.node.case.id ? -1 : 1;
  if (order === 'REGISTERED_ASC') return byId;
  if (order === 'REGISTERED_DESC') return -byId;
  // Dates have milliseconds only; the cursor has the time as the database orders it.
  const [priorityA, timeA] = decodeListCursor(order, a.cursor) as [number, string];
  const [priorityB, timeB] = decodeListCursor(order, b.cursor) as [number, string];
  if (priorityA !== priorityB) return priorityA - priorityB;
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  return byId;
}

function parseOptional(field: string, value: string | null | undefined): string | null {
  return value === null || value === undefined
    ? null
    : parseText(field, value, { charactersMax: limits.textCharacters });
}

function encodeListCursor(order: CaseOrder, row: CaseRow & { sort_time: string }): string {
  const parts = order === 'PRIORITY' ? [order, row.priority, row.sort_time, row.id] : [order, row.id];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const timePattern = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

/** The statement's parameters for where to go on. */
function decodeListCursor(order: CaseOrder, cursor: string | null | undefined): readonly unknown[] {
  const none = order === 'PRIORITY' ? [null, null, null] : [null];
  if (cursor === null || cursor === undefined) return none;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor.slice(0, 500), 'base64url').toString('utf8'));
  } catch {
    throw badInput('after', 'is not a cursor of this list');
  }
  if (Array.isArray(parts) && parts[0] === order) {
    const [, ...rest] = parts as unknown[];
    if (order !== 'PRIORITY' && typeof rest[0] === 'string' && idPattern.test(rest[0])) return [rest[0]];
    const [priority, time, id] = rest;
    if (
      order === 'PRIORITY' &&
      typeof priority === 'number' &&
      Number.isInteger(priority) &&
      priority >= -2_147_483_648 &&
      priority <= 2_147_483_647 &&
      typeof time === 'string' &&
      timePattern.test(time) &&
      !Number.isNaN(toDate(time).getTime()) &&
      typeof id === 'string' &&
      idPattern.test(id)
    ) {
      return [priority, time, id];
    }
  }
  throw badInput('after', 'is not a cursor of this list');
}
