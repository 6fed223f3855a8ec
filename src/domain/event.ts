import { badInput } from './errors.ts';
import type { System } from './topic.ts';

/** Where an event stands in its shard's feed: rising, complete below any position that was seen. */
export interface EventPlace {
  readonly position: number;
  readonly sequence: number;
}

/** Something that happened to an item; written in the transaction that made it happen. */
export interface FeedEvent extends EventPlace {
  readonly shard: number;
  readonly system: System;
  readonly namespace: string;
  readonly topic: string;
  readonly itemId: string;
  readonly type: string;
  readonly actor: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly attempt: number | null;
  /** All items of an event of the priority queue that tells of several; `itemId` is the first of them. */
  readonly items?: readonly { readonly id: string; readonly attempt: number | null }[];
}

export function comparePlaces(a: EventPlace, b: EventPlace): number {
  return a.position - b.position || a.sequence - b.sequence;
}

/** Enough for the places of all shards that there can be. */
const cursorCharactersMax = 262_144;

/**
 * A client's place in the feeds of all shards, opaque to it. A shard without a place is one that could not be reached
 * since the client began: it goes on from the moment at which it is back. One that is not named is new to the client.
 */
export function encodeCursor(places: ReadonlyMap<number, EventPlace | undefined>): string {
  const parts = [...places]
    .sort(([a], [b]) => a - b)
    .map(([shard, place]) => (place === undefined ? `${shard}:now` : `${shard}:${place.position}.${place.sequence}`));
  return Buffer.from(parts.join(',')).toString('base64url');
}

/**
 * @param shards those that there are, when a place on another one must be refused
 * @throws Fault `BAD_USER_INPUT` when it is not a cursor of this service
 */
export function decodeCursor(
  field: string,
  cursor: string,
  shards?: readonly number[],
): Map<number, EventPlace | undefined> {
  const places = new Map<number, EventPlace | undefined>();
  const text = cursor.length <= cursorCharactersMax ? Buffer.from(cursor, 'base64url').toString('latin1') : '';
  for (const part of text.split(',')) {
    const match = /^(\d{1,4}):(?:now|(\d{1,16})\.(\d{1,16}))$/.exec(part);
    if (match === null || shards?.includes(Number(match[1])) === false) {
      throw badInput(field, 'is not a cursor of this service');
    }
    if (match[2] === undefined) places.set(Number(match[1]), undefined);
    else places.set(Number(match[1]), { position: Number(match[2]), sequence: Number(match[3]) });
  }
  return places;
}
