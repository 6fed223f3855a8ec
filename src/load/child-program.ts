import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { signalProcess } from '../embedded/processes.ts';
import type { ServerProcess } from '../embedded/server-process.ts';
import { startServerProcess } from '../embedded/server-process.ts';

export type ProgramKind = 'gateway' | 'scheduler' | 'worker';

export interface ChildProgramOptions {
  readonly kind: ProgramKind;
  /** What it is called in reports: `gateway 1`. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where it runs, and writes its log to. */
  readonly directory: string;
}

const project = new URL('../../', import.meta.url);
/** The line with which a program says that it is at work. */
const readyLines: Readonly<Record<ProgramKind, string>> = {
  gateway: 'gateway listens',
  scheduler: 'NATS connected',
  worker: 'worker is at work',
};
const readyMilliseconds = 60_000;

/**
 * One of the project's programs as a process of its own, which can be killed, frozen and started again. It ends with
 * this process, however that ends.
 */
export class ChildProgram {
  readonly kind: ProgramKind;
  readonly name: string;
  readonly #options: ChildProgramOptions;
  #process: ServerProcess | undefined;
  #ready = false;

  constructor(options: ChildProgramOptions) {
    this.kind = options.kind;
    this.name = options.name;
    this.#options = options;
  }

  /** Whether it is at work: started, ready, and not ended since. */
  get running(): boolean {
    return this.#ready && this.#process !== undefined && !this.#process.hasExited();
  }

  /** Resolves when the present process has ended, for whatever reason. */
  get exited(): Promise<void> {
    return this.#process?.exited ?? Promise.resolve();
  }

  /**
   * Starts it and waits until it is at work.
   * @param extra environment for this start alone
   * @throws Error with its last words when it ends before that, or takes longer than a minute
   */
  async start(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    const { kind, name, environment, directory } = this.#options;
    const log = createWriteStream(`${directory}/${name.replaceAll(' ', '-')}.log`, { flags: 'a' });
    const ready = Promise.withResolvers<'ready'>();
    const child = await startServerProcess({
      name,
      binary: process.execPath,
      arguments: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(`src/${kind}.ts`, project))],
      directory,
      environment: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...environment, ...extra },
      stopSteps: [
        { signal: 'SIGTERM', waitMilliseconds: 30_000 },
        { signal: 'SIGKILL', waitMilliseconds: 5_000 },
      ],
      orphanSignal: 'TERM',
      onLine: (line) => {
        log.write(`${line}\n`);
        if (line.includes(`"msg":"${readyLines[kind]}"`)) ready.resolve('ready');
      },
    });
    this.#process = child;
    this.#ready = false;
    void child.exited.then(() => log.end());
    await this.#waitUntilReady(child, ready.promise);
  }

  /** Kills it outright, as a machine that loses its power would. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    if (!child.hasExited()) signalProcess(child.pid, 'SIGKILL');
    await child.exited;
  }

  /** Asks it to stop in order; resolves when it has. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** Stops its every thread where it stands, connections open. */
  freeze(): void {
    if (this.running) signalProcess(this.#process!.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.running) signalProcess(this.#process!.pid, 'SIGCONT');
  }

  async #waitUntilReady(child: ServerProcess, ready: Promise<'ready'>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), readyMilliseconds);
    });
    const outcome = await Promise.race([ready, late, child.exited.then(() => 'ended' as const)]);
    clearTimeout(timer);
    if (outcome === 'ready') {
      this.#ready = true;
      return;
    }
    await child.stop();
    throw new Error(
      `${this.name} ${outcome === 'late' ? 'was not ready in time' : 'ended'}. Its last words:\n${child.recentOutput()}`,
    );
  }
}
