import type { TaskRecord, TaskStatus } from '../../domain/task.ts';
import type { BulkResult } from '../../tasks/retry.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { TaskRef, TaskStatusEnum } from './task.ts';

/** What a call did to tasks, or would do: to one, or to those that match a filter. */
export interface ChangedTasks<Name extends string> {
  readonly kind: Name;
  readonly tasks: readonly TaskRecord[];
  /** Of a call with a filter. */
  readonly bulk?: BulkResult;
}

/** Defines the result of a call that steers tasks. */
export function defineChangedTasks<Name extends string>(name: Name, description: string) {
  return builder.objectRef<ChangedTasks<Name>>(name).implement({
    description,
    fields: (t) => ({
      tasks: t.field({
        type: [TaskRef],
        complexity: { field: 1, multiplier: 5 },
        resolve: (result) => [...result.tasks],
      }),
      count: t.int({ resolve: (result) => result.tasks.length }),
      dryRun: t.boolean({ description: 'Nothing was changed.', resolve: (result) => result.bulk?.dryRun ?? false }),
      hasMore: t.boolean({
        description: 'More tasks match the filter than the limit allowed.',
        resolve: (result) => result.bulk?.hasMore ?? false,
      }),
    }),
  });
}

/** A task that is not in a state in which the call can be done. */
export interface RefusedTask<Name extends string> extends ProblemShape {
  readonly kind: Name;
  readonly status: TaskStatus;
}

/** Defines the refusal of a call for the state of its task. */
export function defineRefusedTask<Name extends string>(name: Name, description: string) {
  return builder.objectRef<RefusedTask<Name>>(name).implement({
    interfaces: [Problem],
    description,
    fields: (t) => ({ status: t.expose('status', { type: TaskStatusEnum, description: 'How the task stands.' }) }),
  });
}
