import { badInput } from './errors.ts';

const tokenPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Takes a lease's token. A wrong one is a lost lease; only what cannot be one is bad input. */
export function parseLeaseToken(field: string, value: string): string {
  const token = value.toLowerCase();
  if (!tokenPattern.test(token)) throw badInput(field, 'is not a lease token');
  return token;
}
