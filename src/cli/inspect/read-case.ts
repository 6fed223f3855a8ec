import type { CaseEvent } from '../../cases/case-history.ts';
import { createCaseHistory } from '../../cases/case-history.ts';
import type { CaseDocument } from '../../cases/store.ts';
import { CaseStore } from '../../cases/store.ts';
import type { CaseRecord, CaseStatus } from '../../domain/case.ts';
import { caseStatus } from '../../domain/case.ts';
import type { Topic } from '../../domain/topic.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement, toDate } from '../../postgres/sql.ts';
import { Topics } from '../../queue/topics.ts';

const readItem = loadStatement('read-item');
const eventsMax = 1_000;
const eventsPerPage = 100;

/** The engine's side of a case that is open. */
export interface InspectedItem {
  readonly state: 'ready' | 'delayed' | 'leased';
  readonly priority: number;
  readonly deliverAfter: Date;
  readonly attempt: number;
  /** Who is not offered it. */
  readonly excluded: readonly string[];
  readonly lease: InspectedLease | null;
  /** The reply subject of the ticket that stands for the lease, if one does. */
  readonly ticket: string | null;
}

/** Without its token: who has that may act for the holder. */
export interface InspectedLease {
  readonly holder: string;
  readonly acquiredAt: Date;
  readonly expiresAt: Date;
  readonly alive: boolean;
}

export interface InspectedCase {
  readonly case: CaseRecord;
  readonly topic: Topic | undefined;
  readonly status: CaseStatus;
  /** Null once the case is decided. */
  readonly item: InspectedItem | null;
  readonly documents: readonly CaseDocument[];
  readonly events: readonly CaseEvent[];
  /** There are more events than are shown. */
  readonly moreEvents: boolean;
}

interface ItemRow {
  readonly state: InspectedItem['state'];
  readonly priority: number;
  readonly deliver_after: string;
  readonly attempt: number;
  readonly excluded: readonly string[];
  readonly lease_holder: string | null;
  readonly lease_acquired_at: string | null;
  readonly lease_expires_at: string | null;
  readonly lease_alive: boolean | null;
  readonly ticket: string | null;
}

/**
 * Reads everything that the record knows of a case.
 * @returns undefined when there is no such case
 * @throws Fault `UNAVAILABLE`
 */
export async function readInspectedCase(shard: Shard, id: string): Promise<InspectedCase | undefined> {
  const store = new CaseStore(shard);
  const found = await store.find(id);
  if (found === undefined) return undefined;
  const topics = await new Topics(shard).byIds([found.case.topicId]);
  const rows = await shard.run<ItemRow>(readItem, [id]);
  const { events, more } = await readEvents(shard, id);
  return {
    case: found.case,
    topic: topics.get(found.case.topicId),
    status: caseStatus(found.case.decision, found.lease !== null),
    item: rows[0] === undefined ? null : toItem(rows[0]),
    documents: await store.documents(id),
    events,
    moreEvents: more,
  };
}

async function readEvents(shard: Shard, id: string): Promise<{ events: CaseEvent[]; more: boolean }> {
  const readPage = createCaseHistory(shard);
  const events: CaseEvent[] = [];
  for (;;) {
    const page = await readPage(id, eventsPerPage, events.at(-1)?.cursor ?? null);
    events.push(...page.events);
    if (!page.hasNextPage || events.length >= eventsMax) return { events, more: page.hasNextPage };
  }
}

function toItem(row: ItemRow): InspectedItem {
  const { lease_holder: holder, lease_acquired_at: acquiredAt, lease_expires_at: expiresAt } = row;
  return {
    state: row.state,
    priority: row.priority,
    deliverAfter: toDate(row.deliver_after),
    attempt: row.attempt,
    excluded: row.excluded,
    lease:
      holder === null || acquiredAt === null || expiresAt === null
        ? null
        : { holder, acquiredAt: toDate(acquiredAt), expiresAt: toDate(expiresAt), alive: row.lease_alive === true },
    ticket: row.ticket,
  };
}
