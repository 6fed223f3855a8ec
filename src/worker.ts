import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Foundation } from './compose.ts';
import { shardOf } from './domain/ids.ts';
import { TopicLine } from './jetstream/topic-line.ts';
import type { Service } from './lifecycle.ts';
import { loadStatement } from './postgres/sql.ts';
import { runProgram } from './program.ts';
import { Claims } from './queue/claims.ts';
import type { ClaimTaskRow } from './tasks/claim-row.ts';
import { createFinish } from './tasks/finish.ts';
import { createHeartbeat } from './tasks/heartbeat.ts';
import type { AnyTaskHandler } from './tasks/task-handler.ts';
import { TaskWorker } from './tasks/worker.ts';

/** How long a stop waits for handlers before their tasks are given back. */
const graceMilliseconds = 20_000;

/** What runs tasks. Any number of workers may run. @param handlers the kinds that this one runs; by default all */
export function createWorkerServices(
  foundation: Foundation,
  handlers: readonly AnyTaskHandler[] = foundation.taskHandlers,
  grace = graceMilliseconds,
): readonly Service[] {
  const { engines, planners, link, tickets, consumers, heads, metrics, log } = foundation;
  const parts = new Map(
    engines.map((engine) => [
      engine.number,
      { engine, finish: createFinish(engine), heartbeat: createHeartbeat(engine.shard, engine.announcer) },
    ]),
  );
  const at = (taskId: string) => parts.get(shardOf(taskId))!;
  const claims = new Claims<ClaimTaskRow>({
    shard: engines[0]!.shard,
    shards: new Map(engines.map(({ number, shard }) => [number, shard])),
    statement: loadStatement('claim-tasks'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    log,
    observePick: (claimers) => metrics.batchRows.observe({ statement: 'claim-tasks' }, claimers),
  });
  // Producers get to see it; which machine it is on stands in the log alone.
  const name = `worker-${randomBytes(5).toString('hex')}`;
  const worker = new TaskWorker({
    name,
    shards: engines,
    claims,
    handlers,
    finish: (end) => at(end.taskId).finish(end),
    beginRun: (scheduleId, taskId, now) => planners.get(shardOf(taskId))!.begin(scheduleId, taskId, now),
    heartbeat: async (beat) => (await at(beat.taskId).heartbeat(beat)) !== undefined,
    observe: (kind, outcome, wait, run) => metrics.observeTask(kind, outcome, wait, run),
    isConnected: () => link.connected,
    eventsWritten: (taskId) => at(taskId).engine.announcer.eventsWritten(),
    graceMilliseconds: grace,
    now: () => performance.now(),
    random: Math.random,
    log,
  });
  metrics.gauge('caseload_tasks_running', 'Tasks that run in this process', () => worker.runningCount);
  for (const verdict of ['SUCCEEDED', 'FAILED', 'RETRY', 'EXHAUSTED', 'RETURNED', 'LOST'] as const)
    metrics.counter(
      `caseload_task_attempts_${verdict.toLowerCase()}_total`,
      `Attempts of tasks that ended ${verdict}`,
      () => worker.ended[verdict],
    );
  const mailEnds = { SENT: 'sent', TEMPORARY: 'postponed', PERMANENT: 'refused', UNCERTAIN: 'uncertain' } as const;
  for (const end of ['SENT', 'TEMPORARY', 'PERMANENT', 'UNCERTAIN'] as const)
    metrics.counter(
      `caseload_mails_${mailEnds[end]}_total`,
      `Attempts to send a mail that ended ${mailEnds[end]}`,
      () => foundation.mailer.ended[end],
    );
  let release: (() => void) | undefined;
  return [
    {
      name: worker.name,
      async start() {
        const listener = {
          onReady: (topic, key) => {
            if (topic.system === 'tasks') worker.topicBecameReady(topic, key);
          },
          onLying: (topic, items) => {
            if (topic.system === 'tasks') worker.topicLiesReady(topic, items);
          },
        } satisfies Parameters<typeof heads.add>[0];
        heads.add(listener);
        const endWatch = link.onChange(() => worker.lookForTopics());
        release = () => {
          heads.delete(listener);
          endWatch();
        };
        await worker.start();
        log.info(
          { worker: name, host: hostname(), kinds: handlers.map((handler) => handler.kind) },
          'worker is at work',
        );
      },
      async stop() {
        await worker.stop();
        release?.();
        claims.close();
      },
    },
  ];
}

if (import.meta.main) await runProgram('worker', createWorkerServices);
