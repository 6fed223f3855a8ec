import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { createWorkerServices } from '../../src/worker.ts';

/** A worker in a process of its own, with the product's kinds, whose leases and waits are short. */
const foundation = await compose(readConfig(process.env), createLogger('test worker', 'fatal'), 'test worker');
const handlers = foundation.taskHandlers.map((handler) => ({
  ...handler,
  leaseSeconds: 1,
  backoff: { firstMilliseconds: 300, factor: 1, capMilliseconds: 300 },
}));
for (const service of createWorkerServices(foundation, handlers)) await service.start();
process.stdout.write('at work\n');
