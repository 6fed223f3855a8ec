import type { Logger } from './log.ts';

/** A part of a program that runs until it is stopped. `stop` may be called twice, and after a failed start. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts services in order; when one fails, those already started are stopped in reverse and the error is thrown.
 * @returns a function that stops all of them in reverse order, safe to call twice. The first error is thrown after
 * every service was given its chance to stop.
 */
export async function startServices(services: readonly Service[], log: Logger): Promise<() => Promise<void>> {
  const started: Service[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const service of started.reverse()) {
      try {
        await service.stop();
        log.debug({ service: service.name }, 'stopped');
      } catch (error) {
        log.error({ service: service.name, err: error }, 'failed to stop');
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  };
  const stop = (): Promise<void> => {
    stopping ??= stopAll();
    return stopping;
  };
  for (const service of services) {
    try {
      started.push(service);
      await service.start();
      log.debug({ service: service.name }, 'started');
    } catch (error) {
      await stop().catch(() => undefined);
      throw error;
    }
  }
  return stop;
}
