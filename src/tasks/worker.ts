import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { OrderKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Service } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { ClaimResult, Claims } from '../queue/claims.ts';
import type { Topics } from '../queue/topics.ts';
import { Repeating } from '../scheduler/repeating.ts';
import { askShards } from '../shards/merge-pages.ts';
import { traceTask } from '../telemetry/traced-task.ts';
import { attemptTask } from './attempt.ts';
import type { ClaimTaskRow } from './claim-row.ts';
import type { AttemptEnd, Verdict } from './finish.ts';
import type { Heartbeat } from './heartbeat.ts';
import { RunningTask } from './running-task.ts';
import type { AnyTaskHandler } from './task-handler.ts';

const readTaskTopics = loadStatement('read-task-topics');

/** New topics are announced; this often they are looked for all the same, and more often without NATS. */
const discoveryMilliseconds = 60_000;
const blindDiscoveryMilliseconds = 2_000;
/** A kind that is paused or has reached a limit is asked for again after this, or when a task of it ends here. */
const restMilliseconds = 1_000;
const faultMilliseconds = 1_000;
/** After the grace, how long giving back may take. */
const giveBackMilliseconds = 5_000;

type Claimed = Extract<ClaimResult<ClaimTaskRow>, { kind: 'claimed' }>;

export interface TaskWorkerOptions {
  /** Names this worker in leases and attempts. */
  readonly name: string;
  readonly shards: readonly { readonly number: number; readonly shard: Shard; readonly topics: Topics }[];
  readonly claims: Claims<ClaimTaskRow>;
  readonly handlers: readonly AnyTaskHandler[];
  readonly finish: (end: AttemptEnd) => Promise<boolean>;
  /** Creates the next run of a schedule before this one begins. False: this one is left out. */
  readonly beginRun: (scheduleId: string, taskId: string, now: Date) => Promise<boolean>;
  readonly heartbeat: (beat: Heartbeat) => Promise<boolean>;
  /** Told of each attempt that ended: how long its task had waited, and how long it ran. */
  readonly observe: (kind: string, outcome: string, waitSeconds: number, runSeconds: number) => void;
  readonly isConnected: () => boolean;
  readonly eventsWritten: (taskId: string) => void;
  /** How long a stop waits for handlers before it gives their tasks back. */
  readonly graceMilliseconds: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Logger;
}

/** A topic by its names, as announcements have them. */
export interface TopicPlace {
  readonly shard: number;
  readonly namespace: string;
  readonly topic: string;
}

/** The topics of one kind, and those who wait for its tasks: one for each free slot. */
interface Kind {
  readonly handler: AnyTaskHandler;
  topics: readonly Topic[];
  /** Aborted when the topics have changed, and when the worker stops. */
  changed: AbortController;
}

/**
 * Runs tasks of the kinds that it has handlers for, in every namespace. Each slot stands in the lines of its kind's
 * topics until a ticket comes, so an idle worker asks the database nothing but now and then for new topics.
 */
export class TaskWorker implements Service {
  readonly name = 'task worker';
  readonly #options: TaskWorkerOptions;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #discovery: Repeating;
  readonly #stopping = new AbortController();
  readonly #running = new Set<RunningTask>();
  readonly #resting = new Set<Topic>();
  #slots: Promise<void>[] = [];
  /** Attempts that ended since the start, by their end, for the metrics. */
  readonly ended: Record<Verdict['kind'] | 'LOST', number> = {
    SUCCEEDED: 0,
    FAILED: 0,
    RETRY: 0,
    EXHAUSTED: 0,
    RETURNED: 0,
    LOST: 0,
  };

  constructor(options: TaskWorkerOptions) {
    this.#options = options;
    this.#kinds = new Map(
      options.handlers.map((handler) => [handler.kind, { handler, topics: [], changed: new AbortController() }]),
    );
    this.#discovery = new Repeating('task topic discovery', options.log, () => this.#discover());
  }

  get runningCount(): number {
    return this.#running.size;
  }

  async start(): Promise<void> {
    await this.#discovery.start();
    for (const kind of this.#kinds.values())
      for (let slot = 0; slot < kind.handler.concurrency; slot++) this.#slots.push(this.#serve(kind));
  }

  /** Takes nothing new, waits for what runs as long as the grace, gives back what is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const kind of this.#kinds.values()) kind.changed.abort();
    await this.#discovery.stop();
    const all = Promise.all(this.#slots);
    if (await endsWithin(all, this.#options.graceMilliseconds)) return;
    for (const running of this.#running) running.stop('STOPPING');
    if (!(await endsWithin(all, giveBackMilliseconds)))
      this.#options.log.warn({ tasks: this.#running.size }, 'tasks could not be given back; their leases will end');
  }

  /** A topic has ready items: the head hint is lowered, and a topic that is new here is looked for. */
  topicBecameReady(name: TopicPlace, key: OrderKey): void {
    const topic = this.#topicOf(name);
    if (topic !== undefined) this.#options.claims.itemBecameReady(topic.id, key, topic.shard);
  }

  /** So many items of a topic lie ready although their tickets did not come. */
  topicLiesReady(name: TopicPlace, items: number): void {
    const topic = this.#topicOf(name);
    if (topic !== undefined) this.#options.claims.itemsLieReady(topic.id, items, topic.shard);
  }

  /** NATS went or came: announcements may have been missed. */
  lookForTopics(): void {
    this.#discovery.wake();
  }

  #topicOf({ shard, namespace, topic: kindName }: TopicPlace): Topic | undefined {
    const kind = this.#kinds.get(kindName);
    const part = this.#options.shards.find(({ number }) => number === shard);
    if (kind === undefined || part === undefined) return undefined;
    const topic = part.topics.known(namespace, 'tasks', kindName);
    if (topic === undefined || !kind.topics.includes(topic)) this.#discovery.wake();
    return topic;
  }

  async #discover(): Promise<number> {
    const { shards, isConnected } = this.#options;
    const { values, partialShards } = await askShards(shards, (part) => this.#findTopics(part));
    // A shard that cannot be reached keeps the topics that were known of it.
    const kept = [...this.#kinds.values()].flatMap(({ topics }) =>
      topics.filter((topic) => partialShards.includes(topic.shard)),
    );
    const found = Map.groupBy([...values.flat(), ...kept], (topic) => topic.name);
    for (const [name, kind] of this.#kinds) {
      const now = found.get(name) ?? [];
      if (now.length === kind.topics.length && now.every((topic, index) => topic === kind.topics[index])) continue;
      kind.topics = now;
      this.#topicsChanged(kind);
    }
    return isConnected() && partialShards.length === 0 ? discoveryMilliseconds : blindDiscoveryMilliseconds;
  }

  async #findTopics({ shard, topics }: TaskWorkerOptions['shards'][number]): Promise<Topic[]> {
    const rows = await shard.run<{ id: number }>(readTaskTopics, [[...this.#kinds.keys()], limits.taskTopicsPerWorker]);
    const ids = rows.map((row) => row.id);
    const byId = await topics.byIds(ids);
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  #topicsChanged(kind: Kind): void {
    const { changed } = kind;
    kind.changed = new AbortController();
    changed.abort();
  }

  /** One slot: takes a task, runs it to its end, takes the next. */
  async #serve(kind: Kind): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const result = await this.#take(kind);
        if (result?.kind === 'claimed') {
          await this.#work(kind.handler, result);
          this.#endRest(kind, result.topic);
        } else if (result?.kind === 'paused') this.#rest(kind, result.topic);
      } catch (error) {
        this.#options.log.debug({ err: error, kind: kind.handler.kind }, 'no task could be taken; it is tried again');
        await pause(faultMilliseconds * (0.5 + this.#options.random()), signal);
      }
    }
  }

  async #take(kind: Kind): Promise<ClaimResult<ClaimTaskRow> | undefined> {
    const { signal } = kind.changed;
    const topics = kind.topics.filter((topic) => !this.#resting.has(topic));
    if (topics.length === 0) {
      await aborted(signal);
      return undefined;
    }
    const { claims, name } = this.#options;
    return claims.stand(topics, { holder: name, leaseSeconds: kind.handler.leaseSeconds, heldMax: null }, signal);
  }

  /** A topic that is paused or limited gives no tasks: it is left out for a while, so that its tickets do not go round. */
  #rest(kind: Kind, topic: Topic): void {
    if (this.#resting.has(topic)) return;
    this.#resting.add(topic);
    this.#topicsChanged(kind);
    setTimeout(() => this.#endRest(kind, topic), restMilliseconds).unref();
  }

  #endRest(kind: Kind, topic: Topic): void {
    if (this.#resting.delete(topic)) this.#topicsChanged(kind);
    // Slots that stand in the lines of several topics rest there by themselves.
    this.#options.claims.topicResumed(topic.id, topic.shard);
  }

  async #work(handler: AnyTaskHandler, claimed: Claimed): Promise<void> {
    const { now, random, log } = this.#options;
    const { row, topic, token } = claimed;
    const end = { taskId: row.item_id!, token, worker: this.#options.name, namespace: topic.namespace };
    this.#options.eventsWritten(end.taskId);
    const running = new RunningTask({
      leaseMilliseconds: handler.leaseSeconds * 1_000,
      timeLimitMilliseconds: handler.timeLimitMilliseconds,
      beat: () => this.#options.heartbeat({ ...end, leaseSeconds: handler.leaseSeconds }),
      now,
    });
    this.#running.add(running);
    try {
      const run = {
        taskId: end.taskId,
        jobId: row.job_id,
        namespace: topic.namespace,
        attempt: row.attempts_counted,
        maxAttempts: row.max_attempts,
        signal: running.signal,
        log: log.child({ task: end.taskId, kind: handler.kind }),
      };
      const begun = this.#judgeUnrun(row) ?? (await this.#beginRun(row));
      if (begun === 'left out') return;
      const startedAt = now();
      const traced = { ...run, kind: handler.kind, traceparent: row.traceparent };
      const attempt = () => attemptTask(handler, row.payload, run, running, random());
      const verdict = begun ?? (await traceTask(traced, attempt));
      const told = verdict !== undefined && (await this.#tell({ ...end, verdict }, running));
      const outcome = told ? verdict.kind : 'LOST';
      this.ended[outcome] += 1;
      this.#options.observe(handler.kind, outcome, waitSeconds(row), (now() - startedAt) / 1_000);
      if (!told) run.log.warn('the lease was lost before the end; what was done here does not count');
    } finally {
      running.close();
      this.#running.delete(running);
    }
  }

  /** What need not be run: a task that was taken while the worker stops, or that has been tried often enough. */
  #judgeUnrun(row: ClaimTaskRow): Verdict | undefined {
    if (this.#stopping.signal.aborted) return { kind: 'RETURNED', error: 'The worker was stopped' };
    if (row.attempts_counted <= row.max_attempts) return undefined;
    return { kind: 'EXHAUSTED', error: `All ${row.max_attempts} attempts are used up; the last worker was lost` };
  }

  /** A run of a schedule sees to it first that another follows. */
  async #beginRun(row: ClaimTaskRow): Promise<Verdict | 'left out' | undefined> {
    if (row.schedule_id === null) return undefined;
    try {
      const begins = await this.#options.beginRun(row.schedule_id, row.item_id!, toDate(row.acquired_at));
      return begins ? undefined : 'left out';
    } catch (error) {
      this.#options.log.warn({ err: error, task: row.item_id }, 'the next run of a schedule could not be planned');
      return { kind: 'RETURNED', error: 'The next run of its schedule could not be planned' };
    }
  }

  /** Tells the record how an attempt ended, again and again while the lease lasts. @returns false: it does not count */
  async #tell(end: AttemptEnd, running: RunningTask): Promise<boolean> {
    for (let wait = 100; ; wait = Math.min(wait * 2, 2_000)) {
      try {
        return await this.#options.finish(end);
      } catch (error) {
        if (running.lost || !(error instanceof Fault) || error.retryAfterMs === undefined) {
          this.#options.log.error({ err: error, task: end.taskId }, 'the end of a task could not be told');
          return false;
        }
      }
      await delay(wait);
      if (running.lost) return false;
    }
  }
}

/** How long it lay ready before this claim. */
function waitSeconds({ item_deliver_after: since, acquired_at: until }: ClaimTaskRow): number {
  return Math.max(0, (toDate(until).getTime() - toDate(since).getTime()) / 1_000);
}

/** Resolves when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Aborting ends the pause early, which is no error here.
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(milliseconds, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
  const first = await Promise.race([work.then(() => 'done' as const), late]);
  timer.abort();
  return first === 'done';
}
