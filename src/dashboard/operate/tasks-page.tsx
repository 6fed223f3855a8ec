import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import type { TaskFiguresQuery } from '../graphql/documents.ts';
import { JobUpdatesDocument, TaskFiguresDocument, TaskListDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { Button } from '../parts/button.tsx';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { hasRole, session } from '../session/session.ts';
import { FilterChoice, FilterText, StatusChips } from './filter-parts.tsx';
import { KindControls } from './kind-controls.tsx';
import { RetryAllDialog } from './retry-all-dialog.tsx';
import { periods, readCommonFilter, readStatuses, readTaskFilter, taskStatuses } from './task-filters.ts';
import { TaskTable } from './task-table.tsx';

const pace = { burstMilliseconds: 1_000, everyMilliseconds: 30_000 };

/** All tasks, by filters that can be put together, and what can be done about them. */
export function TasksPage() {
  const current = session.get()!;
  const { namespace } = current;
  const { values, set, clear } = useFilters();
  const [now, setNow] = useState(Date.now);
  const [retrying, setRetrying] = useState(false);
  const filter = readTaskFilter(values, now);
  const pages = usePages(TaskListDocument, { namespace, filter }, (data) => data.tasks);
  const [{ data: figures }, askFigures] = useQuery({
    query: TaskFiguresDocument,
    variables: { namespace, filter: readCommonFilter(values, now) },
  });
  const refresh = (): void => {
    setNow(Date.now());
    pages.refresh();
    askFigures();
  };
  const soon = useRefresh(refresh, pace);
  useUpdates(JobUpdatesDocument, { namespace }, soon);
  const chosen = readStatuses(values);
  const mayMend = hasRole(current, 'supervisor', 'operator');
  const counts = countsOf(figures);
  return (
    <Page
      title="Tasks"
      aside={
        mayMend && (
          <Button onClick={() => setRetrying(true)} disabled={pages.rows === undefined || pages.rows.length === 0}>
            Retry all of these …
          </Button>
        )
      }
    >
      <StatusChips
        statuses={taskStatuses}
        chosen={chosen}
        counts={counts}
        onChange={(statuses) => set({ status: statuses.join(',') })}
      />
      <div class="filters">
        <FilterChoice
          name="Kind"
          value={values.kind}
          all="All"
          choices={(figures?.taskKinds ?? []).map(({ kind }) => [kind, kind] as const)}
          onChange={(kind) => set({ kind })}
        />
        <FilterChoice
          name="Created"
          value={values.period}
          all="Any time"
          choices={periods.map(([name, text]) => [name, text] as const)}
          onChange={(period) => set({ period })}
        />
        <FilterText
          name="Error"
          value={values.error}
          placeholder="has these words"
          onChange={(error) => set({ error })}
        />
        <FilterText name="About" value={values.about} placeholder="external id" onChange={(about) => set({ about })} />
        {Object.keys(values).length > 0 && (
          <Button look="quiet" onClick={clear}>
            Clear
          </Button>
        )}
        <KindControls controls={figures?.taskControls ?? []} />
      </div>
      {pages.rows !== undefined && pages.rows.length > 0 && <TaskTable tasks={pages.rows} />}
      <ListEnd pages={pages} empty="No task is like that" fault="The tasks cannot be shown right now" />
      {retrying && (
        <RetryAllDialog namespace={namespace} filter={filter} onDone={refresh} onClose={() => setRetrying(false)} />
      )}
    </Page>
  );
}

function countsOf(figures: TaskFiguresQuery | undefined): Readonly<Record<string, number>> | undefined {
  if (figures === undefined) return undefined;
  const { taskCounts } = figures;
  return Object.fromEntries(
    Object.entries(taskCounts).flatMap(([name, count]) =>
      typeof count === 'number' ? [[name.toUpperCase(), count]] : [],
    ),
  );
}
