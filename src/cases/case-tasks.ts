import type { CaseFacts, CaseHappening, CaseTaskKind } from '../domain/case-task.ts';
import { limits } from '../domain/limits.ts';
import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { currentTraceparent } from '../telemetry/traceparent.ts';
import type { CaseTaskRules } from './case-task-rules.ts';
import { namedKinds, wantsKind } from './case-task-rules.ts';

/** A task that is written in the transaction of what happened to a case. */
export interface NewCaseTask {
  readonly id: string;
  readonly topic: Topic;
  readonly payload: string;
  readonly maxAttempts: number;
  /** W3C trace context of the request; goes with the task to its handler. */
  readonly traceparent: string | null;
}

/** The job of a case: what has to be done because of what happened to it. */
export interface NewCaseJob {
  readonly id: string;
  readonly tasks: readonly NewCaseTask[];
}

export interface CaseTaskPlannerOptions {
  readonly rules: CaseTaskRules;
  readonly kinds: readonly CaseTaskKind[];
  readonly topics: Topics;
  readonly newId: (shard: number) => string;
}

/** Plans the tasks of cases: which kinds apply is said by the kinds themselves, and which are wanted by the rules. */
export class CaseTaskPlanner {
  readonly #options: CaseTaskPlannerOptions;

  constructor(options: CaseTaskPlannerOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined when there is nothing to do
   * @throws Fault `NOT_FOUND` when the namespace has a fixed list of topics without one of the kinds, or `UNAVAILABLE`
   */
  async plan(
    happening: CaseHappening,
    shard: number,
    namespace: string,
    facts: CaseFacts,
  ): Promise<NewCaseJob | undefined> {
    const { rules, kinds, topics, newId } = this.#options;
    const tasks: NewCaseTask[] = [];
    for (const { kind, maxAttempts, ofCase } of kinds) {
      if (ofCase.on !== happening || !wantsKind(rules, namespace, kind)) continue;
      const payloads = ofCase.payloads(facts);
      if (payloads.length === 0) continue;
      const topic = topics.known(namespace, 'tasks', kind) ?? (await topics.ensure(namespace, 'tasks', kind));
      for (const payload of payloads)
        tasks.push({
          id: newId(shard),
          topic,
          payload: JSON.stringify(payload),
          maxAttempts,
          traceparent: currentTraceparent(),
        });
    }
    if (tasks.length > limits.tasksPerJob) throw new RangeError(`A case has more than ${limits.tasksPerJob} tasks`);
    return tasks.length === 0 ? undefined : { id: newId(shard), tasks };
  }
}

/** A kind that is named wrongly in `CASE_TASKS` would be missed by nobody for long: the log says so at the start. */
export function warnOfUnknownKinds(
  rules: CaseTaskRules,
  handlers: readonly { readonly kind: string; readonly ofCase?: unknown }[],
  log: Logger,
): void {
  const known = handlers.filter(({ ofCase }) => ofCase !== undefined).map(({ kind }) => kind);
  const unknown = namedKinds(rules).filter((kind) => !known.includes(kind));
  if (unknown.length > 0) log.warn({ unknown, known }, 'CASE_TASKS names kinds that do not follow from cases');
}

/** The jobs of a batch of cases as the values that the statements take for them; none when no case has one. */
export function jobColumns(jobs: readonly (NewCaseJob | undefined)[]): readonly unknown[] {
  if (jobs.every((job) => job === undefined)) return [];
  const tasks = jobs.flatMap((job, index) => (job?.tasks ?? []).map((task, place) => ({ n: index + 1, place, task })));
  return [
    jobs.map((job) => job?.id ?? null),
    tasks.map(({ n }) => n),
    tasks.map(({ task }) => task.id),
    tasks.map(({ task }) => task.topic.id),
    tasks.map(({ task }) => task.topic.name),
    tasks.map(({ task }) => task.payload),
    tasks.map(({ task }) => task.maxAttempts),
    tasks.map(({ place }) => place),
    tasks.map(({ task }) => task.traceparent),
  ];
}

/** After the commit, never before: what is lost here is tickets, and the reconciler issues those. */
export function announceTasks(
  announcer: Announcer,
  committed: readonly { readonly job: NewCaseJob | undefined; readonly priority: number; readonly at: string }[],
): void {
  const ready = committed.flatMap(({ job, priority, at }) =>
    (job?.tasks ?? []).map((task) => ({
      topic: task.topic,
      key: { priority, deliverAfter: at, id: task.id },
      traceparent: task.traceparent,
    })),
  );
  if (ready.length === 0) return;
  announceReady(announcer, ready);
  announcer.issueTickets(
    ready.map(({ topic, key, traceparent }) => ({ topic, itemId: key.id, priority: key.priority, traceparent })),
  );
}
