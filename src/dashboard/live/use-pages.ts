import type { AnyVariables, TypedDocumentNode } from '@urql/preact';
import { useClient } from '@urql/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';

const pageRows = 50;
/** A refresh asks for all that is shown, up to the most that the gateway gives at once. */
const refreshRowsMax = 100;

interface Connection<Row> {
  readonly edges: readonly { readonly node: Row }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

export interface Pages<Row> {
  readonly rows: readonly Row[] | undefined;
  readonly fault: string | undefined;
  readonly hasMore: boolean;
  more(): void;
  refresh(): void;
}

/**
 * A list that is read page by page.
 * @param variables without `first` and `after`; the list begins anew when they change
 */
export function usePages<Data, Variables extends AnyVariables, Row>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Omit<Variables, 'first' | 'after'>,
  read: (data: Data) => Connection<Row>,
): Pages<Row> {
  const client = useClient();
  const key = JSON.stringify(variables);
  const [state, setState] = useState<{ key: string; rows: readonly Row[]; next: string | null }>();
  const [fault, setFault] = useState<string>();
  const asked = useRef(0);
  const load = (first: number, after: string | null): void => {
    asked.current += 1;
    const mine = asked.current;
    void client
      .query(query, { ...variables, first, after } as unknown as Variables)
      .toPromise()
      .then(({ data, error }) => {
        if (mine !== asked.current) return;
        setFault(error === undefined ? undefined : explain(error));
        if (data === undefined) return;
        const { edges, pageInfo } = read(data);
        const rows = edges.map(({ node }) => node);
        const next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
        setState((now) => ({ key, rows: after === null ? rows : [...(now?.rows ?? []), ...rows], next }));
      });
  };
  const shown = state?.key === key ? state : undefined;
  useEffect(() => load(pageRows, null), [key]);
  return {
    rows: shown?.rows,
    fault,
    hasMore: shown !== undefined && shown.next !== null,
    more: () => load(pageRows, shown?.next ?? null),
    refresh() {
      // Whoever has gone on to later pages is reading them: those are left alone.
      if ((shown?.rows.length ?? 0) <= refreshRowsMax) load(Math.max(pageRows, shown?.rows.length ?? 0), null);
    },
  };
}
