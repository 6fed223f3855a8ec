import { useQuery } from '@urql/preact';
import { explain } from '../graphql/client.ts';
import type { SchedulePartsFragment } from '../graphql/documents.ts';
import { JobUpdatesDocument, ScheduleListDocument } from '../graphql/documents.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Ago } from '../parts/times.tsx';
import { session } from '../session/session.ts';
import { describeRhythm } from './rhythm.ts';

/** Tasks that come again and again. */
export function SchedulesPage() {
  const { namespace } = session.get()!;
  const [{ data, error }, ask] = useQuery({ query: ScheduleListDocument, variables: { namespace } });
  const soon = useRefresh(ask, { burstMilliseconds: 1_000, everyMilliseconds: 15_000 });
  useUpdates(JobUpdatesDocument, { namespace }, soon);
  return (
    <Page title="Schedules">
      {error !== undefined && (
        <Notice title="The schedules cannot be brought up to date" tone="bad">
          {explain(error)}
        </Notice>
      )}
      {data === undefined && error === undefined && <Loading rows={5} />}
      {data?.taskSchedules.length === 0 && (
        <Notice title="Nothing is scheduled">
          Programs schedule a task that comes again and again with <span class="mono">upsertTaskSchedule</span>.
        </Notice>
      )}
      {data !== undefined && data.taskSchedules.length > 0 && (
        <div class="table-place">
          <table class="table">
            <caption class="hidden">Schedules</caption>
            <thead>
              <tr>
                <th scope="col">Schedule</th>
                <th scope="col">Runs</th>
                <th scope="col">When</th>
                <th scope="col">Next</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {data.taskSchedules.map((schedule) => (
                <ScheduleRow key={schedule.id} schedule={schedule} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  );
}

function ScheduleRow({ schedule }: { readonly schedule: SchedulePartsFragment }) {
  const { name, kind, nextRunAt, pause, timeZone } = schedule;
  return (
    <tr>
      <td class="cell-name">
        <a href={`/schedules/${encodeURIComponent(name)}`}>{name}</a>
      </td>
      <td>{kind}</td>
      <td>
        {describeRhythm(schedule)} <span class="muted">{timeZone}</span>
      </td>
      <td>{nextRunAt === null ? '–' : <Ago at={nextRunAt} />}</td>
      <td>
        {pause === null ? <span class="muted">open</span> : <span class="tag tag-warn">paused</span>} {pause?.reason}
      </td>
    </tr>
  );
}
