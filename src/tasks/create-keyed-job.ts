import { crashPoint } from '../crash-point.ts';
import type { JobRecord, TaskRecord } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import type { NewJob } from './new-job.ts';
import { edgesOf } from './new-job.ts';
import { openTasks } from './open-tasks.ts';
import type { TaskStore } from './store.ts';

const createKeyedJob = loadStatement('create-keyed-job');
/** PostgreSQL's code for a row that breaks a unique index: a task was put back by hand at this very moment. */
const keyTaken = '23505';

export interface KeyedJobDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: TaskStore;
  readonly announcer: Announcer;
}

export type KeyedJobResult =
  | {
      readonly kind: 'created';
      readonly job: JobRecord;
      readonly tasks: readonly TaskRecord[];
      readonly existing: readonly TaskRecord[];
    }
  | { readonly kind: 'key' }
  | { readonly kind: 'keyTaken'; readonly place: number; readonly task: TaskRecord };

interface Row {
  readonly outcome: 'key' | 'taken' | 'created' | 'existing';
  readonly place: number;
  readonly task_id: string;
  readonly at: string;
}

/** Creates a job some of whose tasks have unique keys: whoever wants the same key waits until this is committed. */
export async function commitKeyedJob(dependencies: KeyedJobDependencies, job: NewJob): Promise<KeyedJobResult> {
  const { shard, topics, store, announcer } = dependencies;
  const { tasks } = job;
  const edges = edgesOf(job);
  const values = [
    job.id,
    job.namespace,
    job.kind,
    job.externalId,
    job.creator,
    job.idempotencyKey,
    job.requestHash,
    tasks.map((task) => task.id),
    tasks.map((task) => task.topic.id),
    tasks.map((task) => task.kind),
    tasks.map((task) => task.payload),
    tasks.map((task) => task.priority),
    tasks.map((task) => task.runAt?.toISOString() ?? null),
    tasks.map((task) => task.maxAttempts),
    tasks.map((_task, place) => place),
    tasks.map((task) => task.name),
    tasks.map((task) => task.uniqueKey),
    tasks.map(() => job.traceparent),
    tasks.map((task) => task.failureRule),
    edges.map((edge) => edge.task),
    edges.map((edge) => edge.target),
    tasks.map((task) => task.keyRule),
    tasks.map((task) => task.keySeconds),
  ];
  const rows = await shard.run<Row>(createKeyedJob, values).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== keyTaken) throw error;
    return shard.run<Row>(createKeyedJob, values);
  });
  const [first] = rows;
  if (first?.outcome === 'key') return { kind: 'key' };
  if (first?.outcome === 'taken')
    return { kind: 'keyTaken', place: first.place, task: await store.getTask(first.task_id) };
  crashPoint('create_job_after_commit');
  const ids = (outcome: Row['outcome']) => rows.filter((row) => row.outcome === outcome).map((row) => row.task_id);
  const existing = await Promise.all(ids('existing').map((id) => store.getTask(id)));
  const created = await Promise.all(ids('created').map((id) => store.getTask(id)));
  const at = rows.find((row) => row.outcome === 'created')?.at;
  await openTasks(
    { shard, topics, announcer },
    created
      .filter((task) => task.status === 'AVAILABLE')
      .map((task) => ({
        outcome: 'released',
        item_id: task.id,
        topic_id: tasks.find((one) => one.id === task.id)!.topic.id,
        priority: task.priority,
        deliver_after: at!,
      })),
  );
  announcer.eventsWritten();
  return {
    kind: 'created',
    job: await store.getJob(created[0]?.jobId ?? existing[0]!.jobId),
    tasks: created,
    existing,
  };
}
