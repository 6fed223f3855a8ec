import { readFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { StopStep } from './processes.ts';
import { describeProcess, identifyProcess, stopProcess } from './processes.ts';

export const natsStopSteps: readonly StopStep[] = [
  { signal: 'SIGTERM', waitMilliseconds: 15_000 },
  { signal: 'SIGKILL', waitMilliseconds: 5_000 },
];

/**
 * Stops a nats-server that an earlier, killed run left behind. A process is ours when it was started with our
 * configuration file; any other that happens to have the number is left alone.
 * @returns whether one was stopped.
 */
export async function stopLeftoverNats(pidFile: string, configurationFile: string): Promise<boolean> {
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
  const leftover = identifyProcess(pid);
  if (leftover === undefined) return false;
  const { command } = describeProcess(pid);
  if (!command.includes(configurationFile) || !basename(command.split(' -c ')[0] ?? '').includes('nats-server'))
    return false;
  await stopProcess(leftover, natsStopSteps);
  await rm(pidFile, { force: true });
  return true;
}
