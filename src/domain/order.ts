/**
 * The order law: ascending priority, then the moment from which an item may be delivered, then its id.
 * Times are the database's own text, which sorts as it reads when all have the same offset and precision.
 */
export interface OrderKey {
  readonly priority: number;
  readonly deliverAfter: string;
  readonly id: string;
}

export function compareKeys(a: OrderKey, b: OrderKey): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.deliverAfter !== b.deliverAfter) return a.deliverAfter < b.deliverAfter ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}

export function lowerKey(a: OrderKey | undefined, b: OrderKey): OrderKey {
  return a === undefined || compareKeys(b, a) < 0 ? b : a;
}

/** No item comes before this place. */
export const firstKey: OrderKey = {
  priority: -2_147_483_648,
  deliverAfter: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
};
