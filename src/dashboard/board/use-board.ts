import { useClient } from '@urql/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import { BoardDocument, CaseUpdatesDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import type { Columns } from './columns.ts';
import { moveCase, readColumns } from './columns.ts';

/** Rows of one column; the counts above tell of the rest. */
export const rowsMax = 40;
const changedMilliseconds = 2_500;

export interface BoardFilter {
  readonly topic: string | undefined;
  readonly holder: string | undefined;
}

export interface Board {
  readonly columns: Columns | undefined;
  readonly fault: string | undefined;
  /** Cases that have just changed. */
  readonly changed: ReadonlySet<string>;
  readonly updates: number;
}

/** The cases of a namespace as they change: updates are applied at once, and now and then everything is asked again. */
export function useBoard(namespace: string, filter: BoardFilter, onUpdate: () => void): Board {
  const client = useClient();
  const [columns, setColumns] = useState<Columns>();
  const [fault, setFault] = useState<string>();
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  const [updates, setUpdates] = useState(0);
  const { topic, holder } = filter;
  const asked = useRef(0);
  const ask = (): void => {
    asked.current += 1;
    const mine = asked.current;
    const common = { topic: topic ?? null };
    void client
      .query(BoardDocument, {
        namespace,
        pending: { ...common, status: ['PENDING'] },
        claimed: { ...common, status: ['CLAIMED'], holder: holder ?? null },
        decided: { ...common, status: ['APPROVED', 'REJECTED'] },
        first: rowsMax,
      })
      .toPromise()
      .then(({ data, error }) => {
        if (mine !== asked.current) return;
        setFault(error === undefined ? undefined : explain(error));
        if (data === undefined) return;
        setColumns((now) => {
          const known = (now?.decided ?? []).filter((found) => topic === undefined || found.topic === topic);
          return readColumns(data, known, rowsMax);
        });
      });
  };
  const soon = useRefresh(ask, { burstMilliseconds: 1_500, everyMilliseconds: 30_000 });
  useEffect(ask, [namespace, topic, holder]);
  useUpdates(CaseUpdatesDocument, { namespace, topic: topic ?? null }, ({ caseUpdated: update }) => {
    const found = update.case;
    if (found === null) return;
    const hidden = holder !== undefined && found.status === 'CLAIMED' && found.lease?.holder !== holder;
    if (!hidden) setColumns((now) => now && moveCase(now, found, rowsMax));
    // An answer that was asked for before this update would put the old state back.
    asked.current += 1;
    soon();
    onUpdate();
    setUpdates((count) => count + 1);
    setChanged((now) => new Set(now).add(found.id));
    setTimeout(() => {
      setChanged((now) => new Set([...now].filter((id) => id !== found.id)));
    }, changedMilliseconds);
  });
  return { columns, fault, changed, updates };
}
