import { setTimeout as delay } from 'node:timers/promises';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { createWorkerServices } from '../../src/worker.ts';
import { handlerOf } from './handler-of.ts';

/**
 * A worker in a process of its own, for tests that kill it. Kind `hang` prints the task's id and never ends; kind
 * `crash` kills the process in the middle of the task; kind `steady` takes a moment.
 */
const config = readConfig(process.env);
const log = createLogger('test worker', 'fatal');
const foundation = await compose(config, log, 'test worker');
const handlers = [
  handlerOf(
    'hang',
    (_payload, { taskId }) => {
      process.stdout.write(`runs ${taskId}\n`);
      return new Promise(() => undefined);
    },
    { leaseSeconds: 1 },
  ),
  handlerOf(
    'crash',
    async () => {
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => undefined);
    },
    { leaseSeconds: 1, concurrency: 1 },
  ),
  handlerOf(
    'steady',
    async () => {
      await delay(60);
      return undefined;
    },
    { leaseSeconds: 1, concurrency: 10 },
  ),
];
for (const service of createWorkerServices(foundation, handlers)) await service.start();
process.stdout.write('at work\n');
