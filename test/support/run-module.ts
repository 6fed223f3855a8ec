import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A small program of a test, in a process of its own that can be killed. */
export interface RunningModule {
  readonly child: ChildProcess;
  /** The first line that it prints. Rejects with what it wrote to standard error when it ends before. */
  readonly firstLine: Promise<string>;
  readonly exited: Promise<void>;
}

/** Runs the text of a module under the Node that runs the tests. */
export function runModule(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): RunningModule {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', text], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-10_000);
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const firstLine = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('close', () => reject(new Error(`The module ended without a line:\n${errors}`)));
  });
  // A test that only waits for the end does not look at the line.
  firstLine.catch(() => undefined);
  return { child, firstLine, exited };
}
