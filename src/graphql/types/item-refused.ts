import type { Fault } from '../../domain/errors.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';

export interface ItemRefusedShape extends ProblemShape {
  readonly kind: 'ItemRefused';
}

export const ItemRefused = builder.objectRef<ItemRefusedShape>('ItemRefused').implement({
  interfaces: [Problem],
  description:
    'BAD_USER_INPUT, PAYLOAD_TOO_LARGE, NOT_FOUND (the namespace has a fixed list of topics), RATE_LIMITED, TOPIC_FULL, or UNAVAILABLE (its shard is away). It concerns this item alone.',
});

/** Of many items, one whose shard could not be asked. */
export function itemRefused({ code, message, retryAfterMs }: Fault): ItemRefusedShape {
  return {
    kind: 'ItemRefused',
    code,
    message,
    retryable: retryAfterMs !== undefined,
    retryAfterMs: retryAfterMs ?? null,
  };
}
