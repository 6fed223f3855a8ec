import { badInput } from './errors.ts';

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The cursor of a list that goes by id. */
export function encodeIdCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

/** @throws Fault `BAD_USER_INPUT` when it is not a cursor of such a list */
export function decodeIdCursor(cursor: string | null | undefined): string | null {
  if (cursor === null || cursor === undefined) return null;
  const id = Buffer.from(cursor.slice(0, 100), 'base64url').toString('latin1');
  if (!idPattern.test(id)) throw badInput('after', 'is not a cursor of this list');
  return id;
}
