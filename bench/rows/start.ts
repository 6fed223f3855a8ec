import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../src/embedded/ports.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import type { Bench } from '../bench.ts';
import { npmCommand } from '../install-peers.ts';
import type { Row } from './row.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const readyMilliseconds = 120_000;
const stopMilliseconds = 60_000;

/** From `npm start` to the first "ready", with dependencies and data in place. */
export const start: Row = {
  name: 'start',
  title: 'npm start until the system is ready',
  async run(bench: Bench) {
    // Its data stays out of the project's own, which a running Caseload may be using.
    const home = join(bench.stage.directory, 'start');
    await mkdir(home, { recursive: true });
    try {
      const first = await timeStart(home);
      const seconds: number[] = [];
      for (let number = 0; number < bench.options.effort.starts; number += 1) seconds.push(await timeStart(home));
      return {
        lines: [],
        goals: [
          { what: 'npm start until ready', values: seconds, unit: 's', bound: { atMost: 5 } },
          { what: 'the first start, which makes the data', values: [first], unit: 's', bound: undefined },
        ],
        notes: [],
      };
    } finally {
      await removePostgresHome(join(home, 'postgres'));
    }
  },
};

async function timeStart(home: string): Promise<number> {
  const port = await findFreePort();
  const { command, first, shell } = npmCommand();
  const startedAt = performance.now();
  const child = spawn(command, [...first, 'start'], {
    cwd: project,
    shell,
    env: { ...process.env, CASELOAD_HOME: home, PORT: String(port), CASELOAD_LAUNCHER_PIPE: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-10_000);
    });
  }
  try {
    await waitUntilReady(child, port, () => output);
    return (performance.now() - startedAt) / 1_000;
  } finally {
    await stop(child);
  }
}

async function waitUntilReady(child: ChildProcess, port: number, output: () => string): Promise<void> {
  const deadline = performance.now() + readyMilliseconds;
  while (performance.now() < deadline && child.exitCode === null) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.ok,
      () => false, // not listening yet
    );
    if (ready) return;
    await delay(10);
  }
  throw new Error(`npm start did not become ready:\n${output()}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds);
  await gone;
  clearTimeout(timer);
}
