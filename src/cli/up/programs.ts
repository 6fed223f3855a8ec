import type { Foundation } from '../../compose.ts';
import { compose } from '../../compose.ts';
import type { Config } from '../../config.ts';
import { createGatewayService } from '../../gateway.ts';
import { IdleMemory } from '../../idle-memory.ts';
import { startServices } from '../../lifecycle.ts';
import type { Logger } from '../../log.ts';
import { createSchedulerServices } from '../../scheduler.ts';
import { createWorkerServices } from '../../worker.ts';

export interface RunningPrograms {
  readonly foundation: Foundation;
  stop(): Promise<void>;
}

/** Runs the programs in this process, over one set of connections. */
export async function startPrograms(config: Config, log: Logger): Promise<RunningPrograms> {
  const foundation = await compose(config, log, 'up');
  try {
    const stop = await startServices(
      [
        ...createSchedulerServices(foundation),
        ...createWorkerServices(foundation),
        new IdleMemory(log),
        createGatewayService(foundation, () => undefined),
      ],
      log,
    );
    return {
      foundation,
      stop: async () => {
        await stop();
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}
