import type { AnyVariables, TypedDocumentNode } from '@urql/preact';
import { useClient } from '@urql/preact';
import { useEffect, useRef } from 'preact/hooks';

/**
 * Hands on every update of a subscription, in order; a hook that keeps only the last result would miss some of a burst.
 * @param variables the subscription begins anew when they change
 */
export function useUpdates<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onUpdate: (data: Data) => void,
): void {
  const client = useClient();
  const latest = useRef(onUpdate);
  latest.current = onUpdate;
  useEffect(
    () =>
      client.subscription(query, variables).subscribe(({ data }) => {
        if (data !== undefined && data !== null) latest.current(data);
      }).unsubscribe,
    [client, query, JSON.stringify(variables)],
  );
}
