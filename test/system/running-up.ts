import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { spawnCli } from '../cli/run-cli.ts';

/** `caseload up` as a process of its own. */
export interface RunningUp {
  readonly pid: number;
  /** All that it has printed so far. */
  output(): string;
  errors(): string;
  /** Resolves when its standard output has this; rejects when it ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

export function startUp(home: string, environment: Readonly<Record<string, string>> = {}): RunningUp {
  const child = spawnCli(['up'], {
    CASELOAD_HOME: home,
    NATS_SERVER: inject('natsServer'),
    CASELOAD_POSTGRES_PORT: '0',
    CASELOAD_NATS_PORT: '0',
    PORT: '0',
    ...environment,
  });
  let output = '';
  let errors = '';
  const looks = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    for (const look of looks) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output);
        if (match === null) return;
        looks.delete(look);
        resolve(match);
      };
      looks.add(look);
      look();
      void ended.then((end) =>
        reject(new Error(`It ended with ${end} before it printed ${pattern}:\n${output}${errors}`)),
      );
    });
  return {
    pid: child.pid!,
    output: () => output,
    errors: () => errors,
    printed,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

export const readyLine = /^Ready ([\d.]+) s after the start/m;

export interface Servers {
  readonly postgres: number;
  readonly nats: number;
}

export interface Servers {
  readonly postgres: number;
  readonly nats: number;
}

/** The process numbers of the servers that run for a folder. */
export function readServers(home: string): Servers {
  return {
    postgres: Number.parseInt(readFileSync(join(postgresFolder(home), 'data', 'postmaster.pid'), 'utf8'), 10),
    nats: Number.parseInt(readFileSync(join(home, 'nats', 'nats-server.pid'), 'utf8'), 10),
  };
}

/**
 * The processes that have to do with a folder, as `ps` shows them: `up` itself, its servers, and with their numbers
 * known, the servers' children and watchdogs too.
 */
export function listProcesses(home: string, servers?: Servers): readonly string[] {
  const { stdout } = spawnSync('ps', ['-ww', '-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  const about = [home, postgresFolder(home)];
  const numbers: string[] = [];
  if (servers !== undefined) {
    about.push(`caseload-watchdog INT ${servers.postgres}`, `caseload-watchdog TERM ${servers.nats}`);
    numbers.push(String(servers.postgres), String(servers.nats));
  }
  return stdout.split('\n').filter((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/, 3);
    if (pid === undefined || parent === undefined || state === undefined || state.startsWith('Z')) return false;
    return numbers.includes(pid) || numbers.includes(parent) || about.some((text) => line.includes(text));
  });
}

/** Where the database is: root may have to keep it elsewhere. */
function postgresFolder(home: string): string {
  const location = join(home, 'postgres', 'location');
  return existsSync(location) ? readFileSync(location, 'utf8').trim() : join(home, 'postgres');
}
