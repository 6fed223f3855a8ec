import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { explain } from '../graphql/client.ts';
import type { OneScheduleQuery } from '../graphql/documents.ts';
import {
  CancelTaskDocument,
  DeleteScheduleDocument,
  JobUpdatesDocument,
  OneScheduleDocument,
  PauseScheduleDocument,
  ResumeScheduleDocument,
  UpdateTaskDocument,
} from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Fact } from '../parts/fact.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, formatExact } from '../parts/times.tsx';
import { hasRole, session } from '../session/session.ts';
import { ChangeStory } from './change-story.tsx';
import { describeRhythm } from './rhythm.ts';

type Schedule = OneScheduleQuery['taskSchedules'][number];

const catchUps: Readonly<Record<Schedule['catchUp'], string>> = {
  NONE: 'are left out',
  ONE: 'are made up for by one run',
  ALL: 'are made up for one by one',
};

/** One schedule: when it comes, what it runs, who changed it, and what can be done about it. */
export function SchedulePage() {
  const current = session.get()!;
  const { namespace } = current;
  const { params } = useRoute();
  const name = decodeURIComponent(params.name ?? '');
  const [{ data, error }, ask] = useQuery({ query: OneScheduleDocument, variables: { namespace, name } });
  const soon = useRefresh(ask, { burstMilliseconds: 500, everyMilliseconds: 15_000 });
  useUpdates(JobUpdatesDocument, { namespace }, soon);
  const schedule = data?.taskSchedules[0];
  if (schedule === undefined) {
    return (
      <Page title={name}>
        {data === undefined && error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice title={error === undefined ? 'There is no such schedule' : 'The schedule cannot be shown'} tone="bad">
            {error !== undefined && explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  const { pause, nextTask } = schedule;
  return (
    <Page
      title={schedule.name}
      aside={hasRole(current, 'supervisor', 'operator') && <Actions schedule={schedule} onDone={ask} />}
    >
      {pause !== null && (
        <p class="control control-paused" role="status">
          <strong>Paused</strong>
          <span>
            by {pause.by} <Ago at={pause.since} />
            {pause.reason !== null && <>: {pause.reason}</>}
          </span>
        </p>
      )}
      <dl class="facts facts-wide">
        <Fact name="Runs">
          <a href={`/tasks?kind=${schedule.kind}`}>{schedule.kind}</a>
        </Fact>
        <Fact name="When">
          {describeRhythm(schedule)} <span class="muted">{schedule.timeZone}</span>
        </Fact>
        <Fact name="Next">
          {schedule.nextRunAt === null ? '–' : formatExact(schedule.nextRunAt)}
          {nextTask !== null && (
            <>
              {' '}
              <a href={`/tasks/${nextTask.id}`}>its task</a> <Status value={nextTask.status} />
            </>
          )}
        </Fact>
        <Fact name="Missed runs">{catchUps[schedule.catchUp]}</Fact>
        <Fact name="Attempts">{schedule.maxAttempts}</Fact>
        <Fact name="Priority">{schedule.priority}</Fact>
        <Fact name="Saved by">{schedule.savedBy}</Fact>
        <Fact name="Past runs">
          <a href={`/jobs?kind=periodic&about=${encodeURIComponent(schedule.name)}`}>its jobs</a>
        </Fact>
      </dl>
      <div class="pair">
        <section class="part">
          <h2>{pause === null ? 'Next runs' : 'Next runs, were it not paused'}</h2>
          <ol class="bullets">
            {schedule.upcoming.map((at) => (
              <li key={at}>{formatExact(at)}</li>
            ))}
          </ol>
        </section>
        <section class="part">
          <h2>Payload</h2>
          <JsonView value={schedule.payload} label="Payload" />
        </section>
      </div>
      <section class="part">
        <h2>Who changed it</h2>
        <ChangeStory changes={schedule.changes} />
      </section>
    </Page>
  );
}

type Act = 'run' | 'leaveOut' | 'pause' | 'resume' | 'delete';

const acts = {
  run: {
    name: 'Run now',
    text: 'The next run begins at once. Those after it come when they should.',
    reason: 'optional',
  },
  leaveOut: {
    name: 'Leave one out',
    text: 'The next run is cancelled; the one after it comes when it should.',
    reason: 'needed',
  },
  pause: { name: 'Pause', text: 'The next run is cancelled, and none comes until it is resumed.', reason: 'needed' },
  resume: { name: 'Resume', text: 'It goes on with the first run after now.', reason: 'optional' },
  delete: {
    name: 'Delete',
    text: 'It is gone for good, and its next run is cancelled. What ran stays.',
    reason: 'needed',
  },
} as const;

function Actions({ schedule, onDone }: { readonly schedule: Schedule; readonly onDone: () => void }) {
  const perform = usePerform();
  const { route } = useLocation();
  const [asking, setAsking] = useState<Act>();
  const { name, namespace } = { name: schedule.name, namespace: session.get()!.namespace };
  // A run that has begun is not to be moved or left out any more.
  const waits = schedule.nextTask !== null && ['SCHEDULED', 'AVAILABLE'].includes(schedule.nextTask.status);
  const send = async (act: Act, why: string): Promise<string | undefined> => {
    const reason = why || null;
    const taskId = schedule.nextTask?.id ?? '';
    const hold = { input: { namespace, name, reason } };
    switch (act) {
      case 'run': {
        const input = { taskId, runAt: new Date().toISOString(), reason };
        return (await perform(UpdateTaskDocument, { input }, 'TasksUpdated')).fault;
      }
      case 'leaveOut':
        return (await perform(CancelTaskDocument, { input: { taskId, reason } }, 'TasksCancelled')).fault;
      case 'pause':
        return (await perform(PauseScheduleDocument, hold, 'TaskScheduleSaved')).fault;
      case 'resume':
        return (await perform(ResumeScheduleDocument, hold, 'TaskScheduleSaved')).fault;
      case 'delete':
        return (await perform(DeleteScheduleDocument, hold, 'TaskScheduleDeleted')).fault;
    }
  };
  const confirm = async (act: Act, reason: string): Promise<string | undefined> => {
    const fault = await send(act, reason);
    if (fault !== undefined) return fault;
    announce(`${name}: done.`, 'good');
    if (act === 'delete') route('/schedules');
    else onDone();
  };
  const offered: readonly Act[] = [
    'delete',
    ...(waits ? (['leaveOut'] as const) : []),
    schedule.pause === null ? 'pause' : 'resume',
    ...(waits ? (['run'] as const) : []),
  ];
  return (
    <>
      {offered.map((act) => (
        <Button key={act} look={act === 'run' ? 'main' : 'plain'} onClick={() => setAsking(act)}>
          {acts[act].name} …
        </Button>
      ))}
      {asking !== undefined && (
        <ActionDialog
          title={`${acts[asking].name}: ${name}?`}
          confirm={acts[asking].name}
          reason={acts[asking].reason}
          look={asking === 'delete' ? 'bad' : 'main'}
          onConfirm={(reason) => confirm(asking, reason)}
          onClose={() => setAsking(undefined)}
        >
          <p>{acts[asking].text}</p>
        </ActionDialog>
      )}
    </>
  );
}
