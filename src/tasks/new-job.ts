import type { Topic } from '../domain/topic.ts';
import type { ParsedTask } from './job-input.ts';

export interface NewTask extends ParsedTask {
  readonly id: string;
  readonly topic: Topic;
}

export interface NewJob {
  readonly id: string;
  readonly namespace: string;
  readonly kind: string;
  readonly externalId: string | null;
  readonly creator: string;
  readonly tasks: readonly NewTask[];
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  /** W3C trace context of the request; goes with the tasks to their handlers. */
  readonly traceparent: string | null;
}

/** Which tasks of a job wait for which, by their ids. */
export function edgesOf(job: NewJob): readonly { readonly task: string; readonly target: string }[] {
  return job.tasks.flatMap((task) => task.dependsOn.map((place) => ({ task: task.id, target: job.tasks[place]!.id })));
}
