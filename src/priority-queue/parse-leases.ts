import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { parseLeaseToken } from '../domain/lease-token.ts';
import { limits } from '../domain/limits.ts';

export interface ItemLeaseInput {
  readonly itemId: string;
  readonly leaseToken: string;
}

/** @throws Fault `BAD_USER_INPUT` when there are none, too many, or one is not of the form of a lease */
export function parseLeases(
  leases: readonly ItemLeaseInput[],
): readonly { readonly id: string; readonly token: string }[] {
  if (leases.length < 1 || leases.length > limits.queueItemsPerCall) {
    throw badInput('input.leases', `must have 1 to ${limits.queueItemsPerCall} entries`);
  }
  return leases.map((lease, index) => ({
    id: parseId(`input.leases.${index}.itemId`, lease.itemId),
    token: parseLeaseToken(`input.leases.${index}.leaseToken`, lease.leaseToken),
  }));
}
