import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { EventPlace } from '../domain/event.ts';
import { decodeCursor, encodeCursor } from '../domain/event.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { System } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { askShards } from '../shards/merge-pages.ts';

const readAuditLog = loadStatement('read-audit-log');

export const auditReaders = ['supervisor', 'operator'] as const;

/** What somebody does something to: the systems, and mails. */
export type AuditSystem = System | 'mails';

/** Something that somebody did to a case, a task or an item, or to what holds for all of a topic, kind or recipient. */
export interface AuditEntry extends EventPlace {
  readonly shard: number;
  readonly at: Date;
  readonly actor: string;
  readonly system: AuditSystem;
  readonly topic: string;
  readonly type: string;
  /** The case, task, item or recipient; the name of what has no id. */
  readonly aboutId: string;
  readonly reason: string | null;
}

export interface AuditLogArguments {
  readonly namespace: string;
  readonly filter: {
    readonly system?: AuditSystem | null | undefined;
    readonly actor?: string | null | undefined;
    readonly type?: string | null | undefined;
    /** Only what holds for all of a topic, kind or recipient, and mails that were settled: nothing of cases and tasks. */
    readonly steering?: boolean | null | undefined;
  };
  readonly first: number;
  readonly after: string | null;
}

export interface AuditLogPage {
  readonly edges: readonly { readonly cursor: string; readonly node: AuditEntry }[];
  readonly hasNextPage: boolean;
  /** Where to go on; there may be more even where no entry was found, because one page looks only so far. */
  readonly endCursor: string | null;
  readonly partialShards: readonly number[];
}

interface Row {
  readonly looked: number;
  readonly last_position: number | null;
  readonly last_sequence: number | null;
  readonly position: number | null;
  readonly sequence: number;
  readonly system: AuditSystem;
  readonly topic: string;
  readonly about_id: string;
  readonly type: string;
  readonly actor: string;
  readonly at: string;
  readonly reason: string | null;
}

interface ShardPage {
  readonly shard: number;
  readonly entries: readonly AuditEntry[];
  /** The shard has more entries than were asked for. */
  readonly isCut: boolean;
  /** Where this look ended; undefined when it reached the beginning. */
  readonly end: EventPlace | undefined;
}

/**
 * Reads who did what in a namespace, the last first, over all shards. A page looks at 50,000 events of a shard at most,
 * so that a filter that fits nothing costs no more than one that fits everything.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createAuditLog(
  shards: readonly Shard[],
): (actor: Actor | undefined, input: AuditLogArguments) => Promise<AuditLogPage> {
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    requireRole(maybeActor, namespace, auditReaders);
    const parse = (field: string, value: string | null | undefined): string | null =>
      value === null || value === undefined ? null : parseText(field, value, { charactersMax: limits.textCharacters });
    const values = [
      namespace,
      input.filter.system ?? null,
      parse('filter.actor', input.filter.actor),
      parse('filter.type', input.filter.type),
    ];
    const places: ReadonlyMap<number, EventPlace> =
      input.after === null ? new Map() : decodeCursor('after', input.after);
    // What was done on every shard is told by one: the first that answers has to be the same for a whole list.
    const [lead] = shards;
    const { values: pages, partialShards } = await askShards(shards, async (shard) =>
      toShardPage(
        shard.number,
        await shard.run<Row>(readAuditLog, [
          ...values,
          places.get(shard.number)?.position ?? null,
          places.get(shard.number)?.sequence ?? null,
          input.first + 1,
          limits.auditEventsLooked,
          shard === lead,
          input.filter.steering ?? false,
        ]),
        input.first,
      ),
    );
    return { ...mergeNewestFirst(pages, places, input.first), partialShards };
  };
}

function toShardPage(shard: number, rows: readonly Row[], first: number): ShardPage {
  const entries = rows
    .filter((row) => row.position !== null)
    .map((row) => ({
      shard,
      position: row.position!,
      sequence: row.sequence,
      at: toDate(row.at),
      actor: row.actor,
      system: row.system,
      topic: row.topic,
      type: row.type,
      aboutId: row.about_id,
      // An ack of the queue keeps its token there, to know it again.
      reason: row.system === 'queue' && row.type === 'ACKED' ? null : row.reason,
    }));
  const { looked, last_position: position, last_sequence: sequence } = rows[0]!;
  const isWhole = looked < limits.auditEventsLooked || position === null || sequence === null;
  return {
    shard,
    entries: entries.slice(0, first),
    isCut: entries.length > first,
    end: isWhole ? undefined : { position, sequence },
  };
}

function mergeNewestFirst(
  pages: readonly ShardPage[],
  from: ReadonlyMap<number, EventPlace>,
  first: number,
): Omit<AuditLogPage, 'partialShards'> {
  const all = pages.flatMap(({ entries }) => entries).sort((a, b) => b.at.getTime() - a.at.getTime());
  const places = new Map(from);
  const edges = all.slice(0, first).map((node) => {
    places.set(node.shard, node);
    return { cursor: encodeCursor(places), node };
  });
  const isFull = all.length > first || pages.some(({ isCut }) => isCut);
  // A shard of which everything was shown goes on where its look ended.
  if (!isFull) for (const { shard, end } of pages) if (end !== undefined) places.set(shard, end);
  return {
    edges,
    hasNextPage: isFull || pages.some(({ end }) => end !== undefined),
    endCursor: places.size === 0 ? null : encodeCursor(places),
  };
}
