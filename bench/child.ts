import type { ChildProcess, Serializable } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { watchProcess } from '../src/embedded/watchdog.ts';

/** A program of this project in a process of its own. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Asks it to stop and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** Relative to the project's folder. */
  readonly module: string;
  readonly name: string;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const stopMilliseconds = 30_000;
const project = fileURLToPath(new URL('..', import.meta.url));

/** Starts a module under the Node that runs this. What it writes goes to standard error, under its name. */
export async function startChild(options: ChildOptions): Promise<Child> {
  // The last is set by the launcher for every program of the product.
  const { PATH, TMPDIR, HOME, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...(options.nodeArgs ?? []), options.module, ...(options.args ?? [])],
    {
      cwd: project,
      env: { PATH, TMPDIR, HOME, NODE_COMPILE_CACHE, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => process.stderr.write(`[${options.name}] ${chunk}`));
  }
  await once(child, 'spawn');
  const pid = child.pid!;
  const dismissWatchdog = watchProcess(pid, 'TERM');
  let stopping: Promise<void> | undefined;
  return {
    process: child,
    pid,
    stop() {
      stopping ??= stopChild(child).then(dismissWatchdog);
      return stopping;
    },
  };
}

/** What a measuring process says while it works on a request. */
export type Report<Result> =
  | { readonly kind: 'measuring' }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Sends a request to a child and waits for its result.
 * @param onMeasuring called when the warm-up is over
 * @throws Error with the child's reason when it failed, or when it ended
 */
export async function ask<Result>(
  child: Child,
  request: Serializable,
  onMeasuring: () => void = () => undefined,
): Promise<Result> {
  const answered = Promise.withResolvers<Result>();
  const onMessage = (report: Report<Result>): void => {
    if (report.kind === 'measuring') onMeasuring();
    else if (report.kind === 'done') answered.resolve(report.result);
    else answered.reject(new Error(report.reason));
  };
  const onExit = (code: number | null, signal: string | null): void => {
    answered.reject(new Error(`A process of the benchmark ended early (${signal ?? `exit code ${code}`})`));
  };
  child.process.on('message', onMessage).once('exit', onExit);
  try {
    child.process.send(request);
    return await answered.promise;
  } finally {
    child.process.off('message', onMessage).off('exit', onExit);
  }
}

/** The other side of `ask`: answers one request after the other, for as long as the parent lives. */
export function answerParent<Request, Result>(
  answer: (request: Request, onMeasuring: () => void) => Promise<Result>,
): void {
  const tell = (report: Report<Result>): void => void process.send?.(report);
  process.on('message', (request: Request) => {
    answer(request, () => tell({ kind: 'measuring' })).then(
      (result) => tell({ kind: 'done', result }),
      (error: unknown) =>
        tell({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds);
  await gone;
  clearTimeout(timer);
}
