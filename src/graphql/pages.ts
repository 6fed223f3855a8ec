import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ItemHistoryPage } from '../events/item-history.ts';
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

/** A page of some list, as the services give it. */
interface ListPage<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly hasNextPage: boolean;
  readonly partialShards?: readonly number[];
}

/**
 * Answers a connection field: reads its arguments, asks for that page, and shapes what comes.
 * @throws what `readPage` or the asking throws
 */
export async function answerPage<Node>(
  input: Parameters<typeof readPage>[0],
  ask: (page: { readonly first: number; readonly after: string | null }) => Promise<ListPage<Node>>,
) {
  const { first, after } = readPage(input);
  const page = await ask({ first, after: after ?? null });
  return {
    partialShards: page.partialShards ?? [],
    edges: [...page.edges],
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: after !== undefined,
      startCursor: page.edges[0]?.cursor ?? null,
      endCursor: page.edges.at(-1)?.cursor ?? null,
    },
  };
}

/** The same for the events of something. */
export function answerHistory(
  input: Parameters<typeof readPage>[0],
  ask: (page: { readonly first: number; readonly after: string | null }) => Promise<ItemHistoryPage>,
) {
  return answerPage(input, async (page) => {
    const { events, hasNextPage } = await ask(page);
    return { edges: events.map((event) => ({ cursor: event.cursor, node: event })), hasNextPage };
  });
}
