import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the operating system's own words; empty where that is not known. */
  readonly startedAt: string;
}

/** One step of stopping a process: the signal, and how long it may take to work. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMilliseconds: number;
}

const pollMilliseconds = 20;

/** Who runs under this number now; undefined when nobody does (a process that ended but was not collected counts as gone). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') return identifyFromProc(pid);
  if (!answersSignals(pid)) return undefined;
  if (process.platform === 'win32') return { pid, startedAt: '' };
  const listing = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  const match = /^\s*(\S+)\s+(.+?)\s*$/.exec(listing.stdout ?? '');
  if (match === null || match[1]!.startsWith('Z')) return undefined;
  return { pid, startedAt: match[2]! };
}

/** Whether exactly this process, not a later one with its number, is still there. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return (
    now !== undefined && (now.startedAt === '' || identity.startedAt === '' || now.startedAt === identity.startedAt)
  );
}

/** What a process was started with, for telling our servers from strangers; empty when it may not be read. */
export function describeProcess(pid: number): { readonly command: string; readonly directory: string } {
  if (process.platform === 'linux') {
    return {
      command: readOrEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()),
      directory: readOrEmpty(() => readlinkSync(`/proc/${pid}/cwd`)),
    };
  }
  if (process.platform === 'win32') {
    const query = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`;
    return {
      command: spawnSync('powershell', ['-NoProfile', '-Command', query], { encoding: 'utf8' }).stdout?.trim() ?? '',
      directory: '',
    };
  }
  return {
    command: spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '',
    directory: '',
  };
}

/**
 * Stops a process that is not a child of ours, step by step, until it is gone.
 * @throws Error when it outlives all steps.
 */
export async function stopProcess(identity: ProcessIdentity, steps: readonly StopStep[]): Promise<void> {
  for (const step of steps) {
    if (!isRunning(identity)) return;
    signalProcess(identity.pid, step.signal);
    const deadline = performance.now() + step.waitMilliseconds;
    while (performance.now() < deadline) {
      if (!isRunning(identity)) return;
      await delay(pollMilliseconds);
    }
  }
  if (isRunning(identity)) throw new Error(`Process ${identity.pid} does not stop`);
}

/** Sends a signal; a process that has just gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function identifyFromProc(pid: number): ProcessIdentity | undefined {
  const stat = readOrEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name in parentheses may hold anything; the fields are counted from its last parenthesis: state first, start time 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const ticks = fields[19];
  if (state === undefined || ticks === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = readOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  return { pid, startedAt: `${boot}/${ticks}` };
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A process may end between two looks, and a foreign one may not be read: both mean "nothing known". */
function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
