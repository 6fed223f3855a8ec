import type { TaskRowFragment } from '../graphql/documents.ts';
import { Status } from '../parts/status.tsx';
import { Ago } from '../parts/times.tsx';
import { shortId } from '../parts/words.ts';

/** Tasks as rows; each leads to its own page. */
export function TaskTable({
  tasks,
  withJob = true,
  unneeded,
}: {
  readonly tasks: readonly TaskRowFragment[];
  readonly withJob?: boolean;
  /** Which of them have nothing left to do, whatever they wait for. */
  readonly unneeded?: (task: TaskRowFragment) => boolean;
}) {
  return (
    <div class="table-place">
      <table class="table">
        <caption class="hidden">Tasks</caption>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Kind</th>
            {withJob && <th scope="col">About</th>}
            <th scope="col" class="number">
              Attempts
            </th>
            <th scope="col">When</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <td>
                <Status value={unneeded?.(task) === true ? 'NOT_NEEDED' : task.status} />
              </td>
              <td>
                <a href={`/tasks/${task.id}`}>{task.name ?? task.kind}</a>
                {task.name !== null && <span class="muted"> {task.kind}</span>}
              </td>
              {withJob && (
                <td>
                  <a class="quiet-link" href={`/jobs/${task.job.id}`}>
                    {task.job.kind} <span class="muted">{task.job.externalId ?? shortId(task.job.id)}</span>
                  </a>
                </td>
              )}
              <td class="number">
                {task.attemptCount} of {task.maxAttempts}
              </td>
              <td>{unneeded?.(task) !== true && <TaskWhen task={task} />}</td>
              <td class="cell-error">{task.error ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TaskWhen({ task }: { readonly task: TaskRowFragment }) {
  if (task.finishedAt !== null) return <Ago at={task.finishedAt} />;
  if (task.nextRunAt !== null) return <Ago at={task.nextRunAt} />;
  return <Ago at={task.runAt} />;
}
