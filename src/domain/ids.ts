import { badInput } from './errors.ts';

/** The most shards that an id can name: the 12 bits that RFC 9562 leaves free after a UUIDv7's version. */
export const shardsMax = 4096;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Makes ids: UUIDv7 (RFC 9562) with the shard's number in `rand_a`. Ids of one source rise: those of one millisecond
 * are told apart by a counter in the upper 20 bits of `rand_b`; the other 42 bits are random.
 * @param nowMilliseconds the clock
 * @param randomBytes a source of unguessable bytes
 */
export function createIdSource(
  nowMilliseconds: () => number,
  randomBytes: (size: number) => Uint8Array,
): (shard: number) => string {
  let lastMilliseconds = 0;
  let counter = 0;
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;
  return (shard) => {
    const now = nowMilliseconds();
    if (now > lastMilliseconds) {
      lastMilliseconds = now;
      counter = 0;
    } else if (++counter > 0xfffff) {
      lastMilliseconds += 1;
      counter = 0;
    }
    if (used + 6 > pool.length) {
      pool = randomBytes(1536);
      used = 0;
    }
    const time = lastMilliseconds.toString(16).padStart(12, '0');
    const version = `7${shard.toString(16).padStart(3, '0')}`;
    const variantAndCounter = (0x8000 | (counter >>> 6)).toString(16);
    let tail = hexOfByte[((counter & 0x3f) << 2) | (pool[used]! & 0x03)]!;
    for (let index = 1; index < 6; index++) tail += hexOfByte[pool[used + index]!]!;
    used += 6;
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variantAndCounter}-${tail}`;
  };
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The lowest id that a moment can have: ids of earlier moments are below it. */
export function idFloor(milliseconds: number): string {
  const time = Math.max(0, Math.floor(milliseconds)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** The shard that an id names. The id must have passed `parseId`. */
export function shardOf(id: string): number {
  return Number.parseInt(id.slice(15, 18), 16);
}

/** Whether a text is an id by form, in whatever case. */
export function isId(text: string): boolean {
  return uuidPattern.test(text.toLowerCase());
}

/**
 * Takes an id from outside.
 * @returns it in lower case
 * @throws Fault `BAD_USER_INPUT` when it is not one of ours by form
 */
export function parseId(field: string, value: string): string {
  const id = value.toLowerCase();
  if (!uuidPattern.test(id)) throw badInput(field, 'is not an id of this service');
  return id;
}
