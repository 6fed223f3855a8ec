import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { explain, hasCode } from '../graphql/client.ts';
import type { OneTaskQuery } from '../graphql/documents.ts';
import { CancelTaskDocument, JobUpdatesDocument, OneTaskDocument, RetryTaskDocument } from '../graphql/documents.ts';
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
import { inWords } from '../parts/words.ts';
import { hasRole, session } from '../session/session.ts';
import { TaskChangeDialog } from './task-change-dialog.tsx';

const retryable: readonly string[] = ['FAILED', 'CANCELLED', 'RETRYABLE'];
const changeable: readonly string[] = ['SCHEDULED', 'AVAILABLE', 'RETRYABLE'];
const cancellable: readonly string[] = ['SCHEDULED', 'AVAILABLE', 'RUNNING', 'RETRYABLE'];

type Task = NonNullable<OneTaskQuery['task']>;

/** One task: how it stands, every attempt with its error, what it was given, who did what to it. */
export function TaskPage() {
  const current = session.get()!;
  const { params } = useRoute();
  const id = params.id ?? '';
  const [{ data, error }, ask] = useQuery({ query: OneTaskDocument, variables: { id } });
  const soon = useRefresh(ask, { burstMilliseconds: 200, everyMilliseconds: 30_000 });
  const jobId = data?.task?.job.id ?? null;
  useUpdates(JobUpdatesDocument, { namespace: current.namespace, jobId }, soon);
  const task = data?.task;
  if (task == null) {
    return (
      <Page title="Task">
        {error === undefined ? (
          <Loading rows={6} />
        ) : (
          <Notice title={hasCode(error, 'NOT_FOUND') ? 'There is no such task' : 'The task cannot be shown'} tone="bad">
            {explain(error)}
          </Notice>
        )}
      </Page>
    );
  }
  const mayMend = hasRole(current, 'supervisor', 'operator');
  return (
    <Page title={task.name ?? task.kind} aside={mayMend && <TaskActions task={task} onDone={ask} />}>
      <dl class="facts facts-wide">
        <Fact name="Status">
          <span aria-live="polite">
            <Status value={task.status} />
            {task.waitsFor !== null && <span class="muted"> waits for: {inWords(task.waitsFor)}</span>}
          </span>
        </Fact>
        <Fact name="Kind">{task.kind}</Fact>
        <Fact name="Job">
          <a href={`/jobs/${task.job.id}`}>{task.job.kind}</a>{' '}
          {task.job.externalId !== null && <span class="muted">{task.job.externalId}</span>}
        </Fact>
        <Fact name="Attempts">
          {task.attemptCount} of {task.maxAttempts}
        </Fact>
        {task.nextRunAt !== null && <Fact name="Next">{formatExact(task.nextRunAt)}</Fact>}
        {task.finishedAt !== null && <Fact name="Finished">{formatExact(task.finishedAt)}</Fact>}
        {task.dependsOn.length > 0 && (
          <Fact name="After">
            {task.dependsOn.map((other) => (
              <span key={other.id} class="dependency">
                <a href={`/tasks/${other.id}`}>{other.kind}</a> <Status value={other.status} />
              </span>
            ))}
          </Fact>
        )}
      </dl>
      <section class="part">
        <h2>Attempts</h2>
        <Attempts task={task} />
      </section>
      <div class="pair">
        <section class="part">
          <h2>Payload</h2>
          <JsonView value={task.payload} label="Payload" />
        </section>
        <section class="part">
          <h2>Result</h2>
          <JsonView value={task.result} label="Result" />
        </section>
      </div>
      <section class="part">
        <h2>So far</h2>
        <TaskStory task={task} />
      </section>
    </Page>
  );
}

function Attempts({ task }: { readonly task: Task }) {
  if (task.attempts.length === 0) return <p class="muted">None has ended yet.</p>;
  return (
    <div class="table-place">
      <table class="table">
        <caption class="hidden">Attempts</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              No.
            </th>
            <th scope="col">Outcome</th>
            <th scope="col">Ended</th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col">Worker</th>
            <th scope="col">Error</th>
          </tr>
        </thead>
        <tbody>
          {task.attempts.toReversed().map((attempt) => (
            <tr key={attempt.number}>
              <td class="number">{attempt.number}</td>
              <td>{inWords(attempt.outcome)}</td>
              <td>
                <Ago at={attempt.endedAt} />
              </td>
              <td class="number">
                {(Math.max(0, Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt)) / 1_000).toFixed(2)} s
              </td>
              <td class="mono">{attempt.worker}</td>
              <td class="cell-whole">{attempt.error ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TaskStory({ task }: { readonly task: Task }) {
  return (
    <ol class="story">
      {task.events.edges.toReversed().map(({ cursor, node }) => (
        <li key={cursor}>
          <span class="story-what">
            {inWords(node.type)} <span class="muted">by {node.actor}</span>
          </span>
          <span class="muted story-when">
            <Ago at={node.at} />
          </span>
          {node.reason !== null && <p class="story-reason">{node.reason}</p>}
        </li>
      ))}
    </ol>
  );
}

type Act = 'retry' | 'cancel' | 'change';

function TaskActions({ task, onDone }: { readonly task: Task; readonly onDone: () => void }) {
  const perform = usePerform();
  const [asking, setAsking] = useState<Act>();
  const close = (): void => setAsking(undefined);
  const finish = (fault: string | undefined, words: string): string | undefined => {
    // A refusal says that the task stands otherwise than this page shows.
    onDone();
    if (fault === undefined) announce(words, 'good');
    return fault;
  };
  const retry = async (reason: string): Promise<string | undefined> => {
    const input = { taskId: task.id, reason: reason || null };
    const { fault } = await perform(RetryTaskDocument, { input }, 'TasksRetried');
    return finish(fault, 'The task is put back.');
  };
  const cancel = async (reason: string): Promise<string | undefined> => {
    const input = { taskId: task.id, reason: reason || null };
    const { fault } = await perform(CancelTaskDocument, { input }, 'TasksCancelled');
    return finish(fault, 'The task is cancelled.');
  };
  return (
    <>
      {cancellable.includes(task.status) && <Button onClick={() => setAsking('cancel')}>Cancel …</Button>}
      {changeable.includes(task.status) && <Button onClick={() => setAsking('change')}>Change …</Button>}
      {retryable.includes(task.status) && (
        <Button look="main" onClick={() => setAsking('retry')}>
          Retry …
        </Button>
      )}
      {asking === 'change' && <TaskChangeDialog task={task} onDone={onDone} onClose={close} />}
      {asking === 'retry' && (
        <ActionDialog title="Retry this task?" confirm="Retry" onConfirm={retry} onClose={close}>
          <p>It runs again at once, with all its attempts before it.</p>
        </ActionDialog>
      )}
      {asking === 'cancel' && (
        <ActionDialog
          title="Cancel this task?"
          confirm="Cancel the task"
          look="bad"
          reason="needed"
          onConfirm={cancel}
          onClose={close}
        >
          <p>One that runs is told at its next heartbeat; what it does until then may stand.</p>
        </ActionDialog>
      )}
    </>
  );
}
