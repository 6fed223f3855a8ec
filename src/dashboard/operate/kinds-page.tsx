import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { explain } from '../graphql/client.ts';
import type { KindListQuery } from '../graphql/documents.ts';
import { JobUpdatesDocument, KindListDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, formatExact } from '../parts/times.tsx';
import { hasRole, session } from '../session/session.ts';
import { ChangeStory } from './change-story.tsx';
import type { KindAct } from './kind-dialog.tsx';
import { KindDialog } from './kind-dialog.tsx';

export type TaskControl = KindListQuery['taskControls'][number];

interface Row {
  /** All kinds of the namespace without it. */
  readonly kind: string | null;
  readonly counts: KindListQuery['taskKinds'][number] | undefined;
  readonly control: TaskControl | undefined;
}

/** Kinds of task: how much of each there is, what holds them back, and who changed that. */
export function KindsPage() {
  const current = session.get()!;
  const { namespace } = current;
  const [asking, setAsking] = useState<{ readonly act: KindAct; readonly row: Row }>();
  const [{ data, error }, ask] = useQuery({ query: KindListDocument, variables: { namespace } });
  const soon = useRefresh(ask, { burstMilliseconds: 1_000, everyMilliseconds: 15_000 });
  useUpdates(JobUpdatesDocument, { namespace }, soon);
  const mayMend = hasRole(current, 'supervisor', 'operator');
  const rows = data === undefined ? undefined : readRows(data);
  return (
    <Page title="Task kinds">
      {error !== undefined && (
        <Notice title="The kinds cannot be brought up to date" tone="bad">
          {explain(error)}
        </Notice>
      )}
      {rows === undefined && error === undefined && <Loading rows={6} />}
      {rows !== undefined && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Kinds of task</caption>
            <thead>
              <tr>
                <th scope="col">Kind</th>
                <th scope="col" class="number">
                  Waiting
                </th>
                <th scope="col" class="number">
                  Running
                </th>
                <th scope="col" class="number">
                  Retrying
                </th>
                <th scope="col" class="number">
                  Failed
                </th>
                <th scope="col">Limits</th>
                <th scope="col">State</th>
                {mayMend && <th scope="col">Change</th>}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <KindRow key={row.kind ?? '*'} row={row} mayMend={mayMend} onAsk={(act) => setAsking({ act, row })} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data !== undefined && <Changes controls={data.taskControls} />}
      {asking !== undefined && (
        <KindDialog
          act={asking.act}
          namespace={namespace}
          kind={asking.row.kind}
          control={asking.row.control}
          onDone={ask}
          onClose={() => setAsking(undefined)}
        />
      )}
    </Page>
  );
}

function readRows({ taskKinds, taskControls }: KindListQuery): readonly Row[] {
  const controlOf = (kind: string | null) => taskControls.find((control) => control.kind === kind);
  const known = taskKinds.map((counts) => ({ kind: counts.kind, counts, control: controlOf(counts.kind) }));
  const others = taskControls
    .filter(({ kind }) => kind !== null && !taskKinds.some((counts) => counts.kind === kind))
    .map((control) => ({ kind: control.kind, counts: undefined, control }));
  const named = [...known, ...others].toSorted((one, other) => one.kind!.localeCompare(other.kind!));
  return [{ kind: null, counts: undefined, control: controlOf(null) }, ...named];
}

interface KindRowProps {
  readonly row: Row;
  readonly mayMend: boolean;
  readonly onAsk: (act: KindAct) => void;
}

function KindRow({ row: { kind, counts, control }, mayMend, onAsk }: KindRowProps) {
  const pause = control?.pause ?? null;
  const number = (count: number | undefined): string => count?.toLocaleString() ?? '';
  return (
    <tr>
      <td class="cell-name">
        {kind === null ? <strong>All kinds together</strong> : <a href={`/tasks?kind=${kind}`}>{kind}</a>}
      </td>
      <td class="number">{number(counts === undefined ? undefined : counts.scheduled + counts.available)}</td>
      <td class="number">{number(counts?.running)}</td>
      <td class="number">{number(counts?.retryable)}</td>
      <td class={(counts?.failed ?? 0) > 0 ? 'number cell-bad' : 'number'}>{number(counts?.failed)}</td>
      <td>{describeLimits(control) ?? <span class="muted">none</span>}</td>
      <td>
        {pause === null ? (
          <span class="muted">open</span>
        ) : (
          <>
            <span class="tag tag-warn">paused</span> {pause.reason}
            <div class="muted small">
              by {pause.by} <Ago at={pause.since} />
              {pause.until !== null && <>, until {formatExact(pause.until)}</>}
            </div>
          </>
        )}
      </td>
      {mayMend && (
        <td>
          <div class="cell-buttons">
            <Button onClick={() => onAsk('limit')} label={`Limits of ${kind ?? 'all kinds together'} …`}>
              Limits …
            </Button>
            <Button
              onClick={() => onAsk(pause === null ? 'pause' : 'resume')}
              label={`${pause === null ? 'Pause' : 'Resume'} ${kind ?? 'all kinds together'} …`}
            >
              {pause === null ? 'Pause …' : 'Resume …'}
            </Button>
          </div>
        </td>
      )}
    </tr>
  );
}

/** @returns undefined when there is none */
export function describeLimits(
  control: Pick<TaskControl, 'concurrencyMax' | 'rateMax' | 'rateSeconds'> | undefined,
): string | undefined {
  if (control === undefined) return undefined;
  const { concurrencyMax, rateMax, rateSeconds } = control;
  const parts = [
    concurrencyMax === null ? undefined : `${concurrencyMax.toLocaleString()} at once`,
    rateMax === null ? undefined : `${rateMax.toLocaleString()} in ${(rateSeconds ?? 1).toLocaleString()} s`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(', ');
}

function Changes({ controls }: { readonly controls: readonly TaskControl[] }) {
  const changes = controls
    .flatMap(({ kind, changes }) => changes.map((change) => ({ ...change, about: kind ?? 'all kinds' })))
    .toSorted((one, other) => other.at.localeCompare(one.at))
    .slice(0, 50);
  if (changes.length === 0) return null;
  return (
    <section class="part">
      <h2>Who changed what</h2>
      <ChangeStory changes={changes} />
    </section>
  );
}
