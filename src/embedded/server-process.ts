import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { StopStep } from './processes.ts';
import { signalProcess } from './processes.ts';
import { watchProcess } from './watchdog.ts';

/** A server program that runs as a child of this process. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<void>;
  hasExited(): boolean;
  /** The last lines that it wrote, for error messages. */
  recentOutput(): string;
  /** Stops it and waits until it is gone. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ServerCommand {
  /** What a person calls it: `PostgreSQL`. */
  readonly name: string;
  readonly binary: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The account to run under; only root may choose one. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  readonly stopSteps: readonly StopStep[];
  /** What the watchdog sends when this process dies. */
  readonly orphanSignal: 'INT' | 'TERM';
  readonly onLine: (line: string) => void;
  /** Asks the server to stop where signals do not exist (Windows); without it the process is ended outright. */
  readonly stopCommand?: (() => Promise<void>) | undefined;
}

const recentLinesMax = 40;
const lineCharactersMax = 2_000;
const lastWordsMilliseconds = 500;

/**
 * Starts a server in a session of its own, so that Ctrl-C reaches only us and we stop things in the right order.
 * @throws Error when the program cannot be started at all.
 */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const child = spawn(command.binary, command.arguments, {
    cwd: command.directory,
    env: command.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
    ...command.account,
  });
  const recent: string[] = [];
  const onLine = (raw: string): void => {
    const line = raw.slice(0, lineCharactersMax);
    recent.push(line);
    if (recent.length > recentLinesMax) recent.shift();
    command.onLine(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
  const exited = waitForExit(child);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`${command.name} could not be started (${command.binary}): ${error.message}`, { cause: error })),
    );
  });
  const pid = child.pid!;
  const dismissWatchdog = watchProcess(pid, command.orphanSignal);
  const dismissed = exited.then(dismissWatchdog);
  let stopping: Promise<void> | undefined;
  return {
    pid,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    recentOutput: () => recent.join('\n'),
    stop: () => {
      stopping ??= stopChild(child, exited, command).then(() => dismissed);
      return stopping;
    },
  };
}

/** The end of the process, with its last words where they come soon: its own children may hold its output open for longer. */
function waitForExit(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.once('exit', () => setTimeout(resolve, lastWordsMilliseconds));
  });
}

async function stopChild(child: ChildProcess, exited: Promise<void>, command: ServerCommand): Promise<void> {
  if (process.platform === 'win32' && command.stopCommand !== undefined) await command.stopCommand();
  for (const step of command.stopSteps) {
    if (child.exitCode === null && child.signalCode === null) signalProcess(child.pid!, step.signal);
    if (await endsWithin(exited, step.waitMilliseconds)) return;
  }
  throw new Error(`${command.name} (process ${child.pid}) does not stop`);
}

async function endsWithin(exited: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const inTime = await Promise.race([exited.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
