import type { JobStatus } from '../graphql/documents.ts';
import { JobListDocument, JobUpdatesDocument } from '../graphql/documents.ts';
import { useFilters } from '../live/use-filters.ts';
import { usePages } from '../live/use-pages.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { ListEnd } from '../parts/list-end.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago } from '../parts/times.tsx';
import { shortId } from '../parts/words.ts';
import { session } from '../session/session.ts';
import { FilterText, StatusChips } from './filter-parts.tsx';

const jobStatuses: readonly JobStatus[] = ['OPEN', 'PARTIALLY_FAILED', 'FAILED', 'SUCCEEDED', 'CANCELLED'];

/** Jobs: what happened in a business, each with the tasks that follow from it. */
export function JobsPage() {
  const { namespace } = session.get()!;
  const { values, set } = useFilters();
  const wanted = (values.status ?? '').split(',');
  const chosen = jobStatuses.filter((status) => wanted.includes(status));
  const filter = {
    status: chosen.length === 0 ? null : chosen,
    kind: values.kind === undefined ? null : [values.kind],
    externalId: values.about ?? null,
  };
  const pages = usePages(JobListDocument, { namespace, filter }, (data) => data.jobs);
  const soon = useRefresh(pages.refresh, { burstMilliseconds: 1_000, everyMilliseconds: 30_000 });
  useUpdates(JobUpdatesDocument, { namespace }, soon);
  return (
    <Page title="Jobs">
      <StatusChips
        statuses={jobStatuses}
        chosen={chosen}
        onChange={(statuses) => set({ status: statuses.join(',') })}
      />
      <div class="filters">
        <FilterText name="Kind" value={values.kind} placeholder="any" onChange={(kind) => set({ kind })} />
        <FilterText name="About" value={values.about} placeholder="external id" onChange={(about) => set({ about })} />
      </div>
      {pages.rows !== undefined && pages.rows.length > 0 && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Jobs</caption>
            <thead>
              <tr>
                <th scope="col">Status</th>
                <th scope="col">Kind</th>
                <th scope="col">About</th>
                <th scope="col">Created</th>
                <th scope="col">By</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((job) => (
                <tr key={job.id}>
                  <td>
                    <Status value={job.status} />
                  </td>
                  <td>
                    <a href={`/jobs/${job.id}`}>{job.kind}</a>
                  </td>
                  <td class="muted">{job.externalId ?? shortId(job.id)}</td>
                  <td>
                    <Ago at={job.createdAt} />
                  </td>
                  <td>{job.createdBy}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <ListEnd pages={pages} empty="No job is like that" fault="The jobs cannot be shown right now" />
    </Page>
  );
}
