import type { BoardQuery, CasePartsFragment, CaseStatus } from '../graphql/documents.ts';

/** The cases that are shown, by how they stand. */
export interface Columns {
  readonly pending: readonly CasePartsFragment[];
  readonly claimed: readonly CasePartsFragment[];
  readonly decided: readonly CasePartsFragment[];
  /** There are more than are shown. */
  readonly more: Readonly<Record<ColumnName, boolean>>;
}

export type ColumnName = 'pending' | 'claimed' | 'decided';

const columnOf: Readonly<Record<CaseStatus, ColumnName>> = {
  PENDING: 'pending',
  CLAIMED: 'claimed',
  APPROVED: 'decided',
  REJECTED: 'decided',
};

/**
 * @param known decided cases that were seen here: the gateway lists them by their registration, so one that was
 * registered long ago and decided just now may not be in its answer
 */
export function readColumns(answer: BoardQuery, known: readonly CasePartsFragment[], rowsMax: number): Columns {
  const nodes = (name: ColumnName) => answer[name].edges.map(({ node }) => node);
  return {
    pending: nodes('pending'),
    claimed: nodes('claimed'),
    decided: [...nodes('decided'), ...known]
      .filter(({ id }, place, all) => all.findIndex((other) => other.id === id) === place)
      .toSorted(lastDecidedFirst)
      .slice(0, rowsMax),
    more: {
      pending: answer.pending.pageInfo.hasNextPage,
      claimed: answer.claimed.pageInfo.hasNextPage,
      decided: answer.decided.pageInfo.hasNextPage,
    },
  };
}

/** Puts a case where it belongs now. What is pushed out at the end is one of the more that there are. */
export function moveCase(columns: Columns, found: CasePartsFragment, rowsMax: number): Columns {
  const without = (cases: readonly CasePartsFragment[]) => cases.filter(({ id }) => id !== found.id);
  const lists = {
    pending: without(columns.pending),
    claimed: without(columns.claimed),
    decided: without(columns.decided),
  };
  const name = columnOf[found.status];
  const sorted = [...lists[name], found].toSorted(orders[name]);
  const more = { ...columns.more, [name]: columns.more[name] || sorted.length > rowsMax };
  return { ...lists, [name]: sorted.slice(0, rowsMax), more };
}

type Order = (one: CasePartsFragment, other: CasePartsFragment) => number;

const lastDecidedFirst: Order = (one, other) =>
  (other.decision?.decidedAt ?? '').localeCompare(one.decision?.decidedAt ?? '');

const orders: Readonly<Record<ColumnName, Order>> = {
  // As they are handed out.
  pending: (one, other) =>
    one.priority - other.priority ||
    one.registeredAt.localeCompare(other.registeredAt) ||
    one.id.localeCompare(other.id),
  claimed: (one, other) => one.registeredAt.localeCompare(other.registeredAt) || one.id.localeCompare(other.id),
  decided: lastDecidedFirst,
};
