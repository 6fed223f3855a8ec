import { RecentCache } from '../domain/recent-cache.ts';
import type { JsonMediaType } from './fault-format.ts';

/** What a client takes for an answer. */
export interface Accepted {
  /** The JSON type that it likes best, undefined when it takes none. */
  readonly json: JsonMediaType | undefined;
  readonly eventStream: boolean;
}

const anything: Accepted = { json: 'application/json', eventStream: true };

// Clients have a handful of different headers between them; long ones are not worth keeping.
const known = new RecentCache<Accepted>(256, 65_536);

/**
 * Reads an `Accept` header. Without one, or with wildcards, a client takes `application/json`, as clients older than
 * `application/graphql-response+json` expect.
 */
export function readAccept(header: string | undefined): Accepted {
  if (header === undefined || header === '*/*') return anything;
  const hit = known.get(header);
  if (hit !== undefined) return hit;
  const accepted = parseAccept(header);
  known.set(header, accepted, header.length);
  return accepted;
}

function parseAccept(header: string): Accepted {
  const ranges = header
    .toLowerCase()
    .split(',')
    .map(parseRange)
    .filter((range) => range.quality > 0)
    .sort((left, right) => right.quality - left.quality);
  const json = ranges.map((range) => jsonTypeOf(range.type)).find((type) => type !== undefined);
  return { json, eventStream: ranges.some(({ type }) => type === 'text/event-stream' || type === '*/*') };
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)) return { type, quality: 0 };
  return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
}

function jsonTypeOf(type: string): JsonMediaType | undefined {
  if (type === 'application/graphql-response+json') return type;
  return type === 'application/json' || type === 'application/*' || type === '*/*' ? 'application/json' : undefined;
}
