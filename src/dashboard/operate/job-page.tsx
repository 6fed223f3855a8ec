import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain, hasCode } from '../graphql/client.ts';
import type { TaskRowFragment } from '../graphql/documents.ts';
import {
  CancelJobDocument,
  JobUpdatesDocument,
  OneJobDocument,
  RetryFailedTasksDocument,
} from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { useRefresh } from '../live/use-refresh.ts';
import { useUpdates } from '../live/use-updates.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';
import { Loading, Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Status } from '../parts/status.tsx';
import { Ago } from '../parts/times.tsx';
import { plural } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import { TaskTable } from './task-table.tsx';

/** One job with its tasks. */
export function JobPage() {
  const current = session.get()!;
  const { params } = useRoute();
  const id = params.id ?? '';
  const perform = usePerform();
  const [asking, setAsking] = useState<'retry' | 'cancel'>();
  const [{ data, error }, ask] = useQuery({ query: OneJobDocument, variables: { id } });
  const soon = useRefresh(ask, { burstMilliseconds: 200, everyMilliseconds: 30_000 });
  useUpdates(JobUpdatesDocument, { namespace: current.namespace, jobId: id }, soon);
  const job = data?.job;
  if (job == null) {
    return (
      <Page title="Job">
        {error === undefined ? (
          <Loading rows={4} />
        ) : (
          <Notice title={hasCode(error, 'NOT_FOUND') ? 'There is no such job' : 'The job cannot be shown'} tone="bad">
            {explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  const failed = job.tasks.filter(({ status }) => status === 'FAILED').length;
  const retry = async (reason: string): Promise<string | undefined> => {
    const input = { jobId: id, reason: reason || null };
    const { done, fault } = await perform(RetryFailedTasksDocument, { input }, 'TasksRetried');
    if (done === undefined) return fault;
    announce(`${plural(done.count, 'task')} put back.`, 'good');
    ask();
  };
  const cancel = async (reason: string): Promise<string | undefined> => {
    const input = { jobId: id, reason: reason || null };
    const { done, fault } = await perform(CancelJobDocument, { input }, 'TasksCancelled');
    if (done === undefined) return fault;
    announce(`${plural(done.tasks.length, 'task')} cancelled.`, 'good');
    ask();
  };
  const mayMend = hasRole(current, 'supervisor', 'operator');
  return (
    <Page
      title={job.kind}
      aside={
        mayMend && (
          <>
            {job.status === 'OPEN' && <Button onClick={() => setAsking('cancel')}>Cancel …</Button>}
            {failed > 0 && (
              <Button look="main" onClick={() => setAsking('retry')}>
                Retry what failed …
              </Button>
            )}
          </>
        )
      }
    >
      <p class="lead">
        <Status value={job.status} />{' '}
        <span class="muted">
          {job.externalId} created by {job.createdBy} <Ago at={job.createdAt} />
        </span>
      </p>
      <TaskTable tasks={job.tasks} withJob={false} unneeded={(task) => isSealedAlready(task, job.tasks)} />
      {asking === 'retry' && (
        <ActionDialog title="Retry what failed?" confirm="Retry" onConfirm={retry} onClose={() => setAsking(undefined)}>
          <p>{plural(failed, 'failed task')} of this job will run again; no other is touched.</p>
        </ActionDialog>
      )}
      {asking === 'cancel' && (
        <ActionDialog
          title="Cancel this job?"
          confirm="Cancel the job"
          look="bad"
          reason="needed"
          onConfirm={cancel}
          onClose={() => setAsking(undefined)}
        >
          <p>All its open tasks are cancelled; what is done stays done.</p>
        </ActionDialog>
      )}
    </Page>
  );
}

/** The end of a window has nothing left to do when the digest was sent before it: then its mails are tasks already. */
function isSealedAlready(task: TaskRowFragment, tasks: readonly TaskRowFragment[]): boolean {
  return task.kind === 'digest-seal' && task.status === 'SCHEDULED' && tasks.some(({ kind }) => kind === 'digest-send');
}
