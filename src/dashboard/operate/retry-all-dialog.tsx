import { useEffect, useState } from 'preact/hooks';
import type { RetryPartsFragment, TaskFilter } from '../graphql/documents.ts';
import { RetryTasksDocument } from '../graphql/documents.ts';
import type { Outcome } from '../graphql/outcome.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Loading } from '../parts/notice.tsx';
import { plural } from '../parts/words.ts';

const tasksAtOnce = 1_000;

interface RetryAllDialogProps {
  readonly namespace: string;
  readonly filter: TaskFilter;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

type Retried = Extract<RetryPartsFragment, { __typename: 'TasksRetried' }>;

/** Puts back every task of a filter that can be; first it shows which ones. */
export function RetryAllDialog({ namespace, filter, onDone, onClose }: RetryAllDialogProps) {
  const perform = usePerform();
  const [preview, setPreview] = useState<Retried>();
  const [fault, setFault] = useState<string>();
  const statuses = (filter.status ?? []).filter((status) => ['FAILED', 'CANCELLED', 'RETRYABLE'].includes(status));
  const wanted = { ...filter, status: statuses.length === 0 ? null : statuses };
  const send = async (dryRun: boolean, reason: string): Promise<Outcome<Retried>> => {
    const input = { namespace, filter: wanted, dryRun, limit: tasksAtOnce, reason: reason || null };
    return perform(RetryTasksDocument, { input }, 'TasksRetried');
  };
  useEffect(
    () =>
      void send(true, '').then(({ done, fault }) => {
        setPreview(done);
        setFault(fault);
      }),
    [],
  );
  const kinds = new Map<string, number>();
  for (const { kind } of preview?.tasks ?? []) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return (
    <ActionDialog
      title="Retry all of these?"
      confirm={preview === undefined ? 'Retry' : `Retry ${plural(preview.count, 'task')}`}
      disabled={preview === undefined || preview.count === 0}
      onConfirm={async (reason) => {
        const { done, fault: refusal } = await send(false, reason);
        if (done === undefined) return refusal;
        announce(`${plural(done.count, 'task')} put back.`, 'good');
        onDone();
      }}
      onClose={onClose}
    >
      {fault !== undefined && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {preview === undefined && fault === undefined && <Loading rows={2} />}
      {preview !== undefined && (
        <div>
          <p>
            {preview.count === 0
              ? 'No failed task is like that.'
              : `${plural(preview.count, 'task')} would run again at once, with all attempts before ${preview.count === 1 ? 'it' : 'them'}:`}
          </p>
          <ul class="bullets">
            {[...kinds].map(([kind, count]) => (
              <li key={kind}>
                {kind}: {count.toLocaleString()}
              </li>
            ))}
          </ul>
          {preview.hasMore && <p class="muted">There are more; these are the newest. Do it again for the rest.</p>}
        </div>
      )}
    </ActionDialog>
  );
}
