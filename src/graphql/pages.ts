import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { builder } from './builder.ts';

/** The arguments of every connection field; its type is made with `builder.connectionObject`. Lists go forward only. */
export const pageArguments = builder.args((t) => ({
  first: t.int({
    defaultValue: limits.pageItemsDefault,
    description: `How many at most, from 0 to ${limits.pageItems}.`,
  }),
  after: t.string({ description: 'The cursor after which to go on.' }),
}));

builder.globalConnectionField('partialShards', (t) =>
  t.intList({
    description: 'Shards that did not answer: what they have is missing from this page.',
    complexity: 0,
    resolve: (page) => [...(page.partialShards ?? [])],
  }),
);

export interface PageRequest {
  readonly first: number;
  readonly after: string | undefined;
}

/**
 * Reads the arguments of a connection field.
 * @throws Fault `BAD_USER_INPUT` when `first` is below 0 or above 100
 */
export function readPage(input: {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}): PageRequest {
  const first = input.first ?? limits.pageItemsDefault;
  if (first < 0 || first > limits.pageItems) throw badInput('first', `must be from 0 to ${limits.pageItems}`);
  return { first, after: input.after ?? undefined };
}
