import { badInput, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';

export interface EnqueueItemInput {
  readonly topic: string;
  readonly priority?: number | null;
  readonly payload: Uint8Array;
  readonly metadata?: unknown;
  readonly deliverAfter?: Date | null;
  readonly leaseSeconds?: number | null;
  readonly ttlSeconds?: number | null;
  readonly uniqueKey?: string | null;
}

/** An item of good form; what its topic allows is judged later. */
export interface ParsedItem {
  readonly topic: string;
  readonly priority: number;
  readonly payload: Uint8Array;
  readonly metadata: string | null;
  readonly deliverAfter: Date | null;
  readonly leaseSeconds: number | null;
  readonly ttlSeconds: number | null;
  readonly uniqueKey: string | null;
}

/** @throws Fault `BAD_USER_INPUT` or `PAYLOAD_TOO_LARGE`, which concern this item alone */
export function parseItem(field: string, item: EnqueueItemInput, nowMilliseconds: number): ParsedItem {
  if (item.payload.length > limits.queuePayloadBytesMax) throw payloadTooLarge(limits.queuePayloadBytesMax);
  const deliverAfter = item.deliverAfter ?? null;
  if (deliverAfter !== null && deliverAfter.getTime() > nowMilliseconds + limits.queueDelaySeconds * 1_000) {
    throw badInput(`${field}.deliverAfter`, `must be within ${limits.queueDelaySeconds} seconds from now`);
  }
  return {
    topic: parseName(`${field}.topic`, item.topic),
    priority: item.priority ?? 0,
    payload: item.payload,
    metadata: parseMetadata(`${field}.metadata`, item.metadata),
    deliverAfter,
    leaseSeconds: parseLeaseSeconds(`${field}.leaseSeconds`, item.leaseSeconds),
    ttlSeconds:
      item.ttlSeconds == null ? null : parseWhole(`${field}.ttlSeconds`, item.ttlSeconds, 1, limits.queueTtlSeconds),
    uniqueKey:
      item.uniqueKey == null
        ? null
        : parseText(`${field}.uniqueKey`, item.uniqueKey, { charactersMax: limits.queueUniqueKeyCharacters }),
  };
}

export function payloadTooLarge(bytesMax: number): Fault {
  return new Fault('PAYLOAD_TOO_LARGE', `A payload may have ${bytesMax} bytes at most`);
}

/** @throws Fault `BAD_USER_INPUT` */
export function parseMetadata(field: string, metadata: unknown): string | null {
  if (metadata === null || metadata === undefined) return null;
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text) > limits.queueMetadataBytes) {
    throw badInput(field, `must have at most ${limits.queueMetadataBytes} bytes as JSON`);
  }
  // PostgreSQL keeps it as text but cannot search it: one such item would fail every search by metadata.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(text)) {
    throw badInput(field, 'must not have the character U+0000 or half a surrogate pair');
  }
  return text;
}

/** @throws Fault `BAD_USER_INPUT` */
export function parseLeaseSeconds(field: string, seconds: number | null | undefined): number | null {
  return seconds == null ? null : parseWhole(field, seconds, limits.leaseSecondsMin, limits.leaseSecondsMax);
}
