import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A small program of a test, in a process of its own that can be killed. */
export interface RunningModule {
  readonly child: ChildProcess;
  /** The first line that it prints. Rejects with what it wrote to standard error when it ends before. */
  readonly firstLine: Promise<string>;
  /** Resolves when it has printed this text. */
  printed(text: string): Promise<void>;
  /** Everything on standard output, when it has been closed by the module and by all that inherited it. */
  readonly output: Promise<string>;
  readonly exited: Promise<void>;
}

/** Runs the text of a module under the Node that runs the tests. */
export function runModule(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): RunningModule {
  const program = `process.stdin.once('close', () => process.exit(1)).resume().unref();\n${text}`;
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  // The pipe to its standard input ends it when the test process dies.
  const child = spawn(process.execPath, options, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-10_000);
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed = (printed + chunk).slice(-10_000);
  });
  const hasPrinted = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!printed.includes(text)) return;
        child.stdout.off('data', look);
        resolve();
      };
      child.stdout.on('data', look);
      look();
    });
  const output = new Promise<string>((resolve) => child.stdout.once('close', () => resolve(printed)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const firstLine = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('close', () => reject(new Error(`The module ended without a line:\n${errors}`)));
  });
  // A test that only waits for the end does not look at the line.
  firstLine.catch(() => undefined);
  return { child, firstLine, printed: hasPrinted, output, exited };
}
