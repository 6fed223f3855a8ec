import type { ItemEvent, ItemHistoryPage } from '../events/item-history.ts';
import { createItemHistory } from '../events/item-history.ts';
import type { Shard } from '../postgres/shard.ts';

/** An entry of a case's audit trail. */
export type CaseEvent = ItemEvent;

export type CaseHistoryPage = ItemHistoryPage;

/**
 * Reads what happened to a case, oldest first. Who may see it is the caller's business.
 * @returns a function that throws Fault `BAD_USER_INPUT` for a strange cursor, or `UNAVAILABLE`
 */
export function createCaseHistory(
  shard: Shard,
): (caseId: string, first: number, after: string | null) => Promise<CaseHistoryPage> {
  return createItemHistory(shard);
}
