import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Processor time that processes have used, in microseconds; undefined where /proc does not exist. */
export type CpuTimes = ReadonlyMap<string, number>;

/** Processes under one name; `tree` also counts the children of each, living and collected. */
export interface CpuGroup {
  readonly name: string;
  readonly pids: readonly number[];
  readonly tree?: boolean;
}

interface ProcessTimes {
  readonly parent: number;
  readonly ownTicks: number;
  readonly collectedTicks: number;
}

const quietMilliseconds = 200;
const quietShare = 0.15;

/** Linux counts in hundredths of a second, whatever the kernel's own clock is. */
const microsecondsPerTick = 10_000;

/** What each group has used since its processes started. */
function readCpu(groups: readonly CpuGroup[]): CpuTimes {
  const times = new Map<string, number>();
  if (process.platform !== 'linux') return times;
  for (const { name, pids, tree } of groups) {
    const ticks = pids.map((pid) => (tree === true ? treeTicks(pid) : (readTimes(pid)?.ownTicks ?? 0)));
    times.set(name, ticks.reduce((sum, value) => sum + value, 0) * microsecondsPerTick);
  }
  return times;
}

/** Microseconds of each group between two readings, for one operation. */
export function cpuPerOperation(before: CpuTimes, after: CpuTimes, operations: number): ReadonlyMap<string, number> {
  const share = new Map<string, number>();
  for (const [name, time] of after) share.set(name, (time - (before.get(name) ?? 0)) / Math.max(1, operations));
  return share;
}

/**
 * The part of all processors that was used by none of the groups, from 0 to 1: other programs on the machine, and what
 * the kernel does for nobody in particular. Undefined where it cannot be known.
 */
export function othersShare(before: MachineTimes, after: MachineTimes): number | undefined {
  const all = after.allTicks - before.allTicks;
  if (!(all > 0)) return undefined;
  const known = [...after.groups].reduce((sum, [name, time]) => sum + time - (before.groups.get(name) ?? 0), 0);
  return Math.max(0, (after.busyTicks - before.busyTicks - known / microsecondsPerTick) / all);
}

/** What the groups and the whole machine have used. */
export interface MachineTimes {
  readonly groups: CpuTimes;
  readonly busyTicks: number;
  readonly allTicks: number;
}

export function readMachine(groups: readonly CpuGroup[]): MachineTimes {
  if (process.platform !== 'linux') return { groups: new Map(), busyTicks: 0, allTicks: 0 };
  // user, nice, system, idle, iowait, irq, softirq, steal
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!;
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const allTicks = ticks.reduce((sum, value) => sum + value, 0);
  return { groups: readCpu(groups), busyTicks: allTicks - ticks[3]! - ticks[4]!, allTicks };
}

/**
 * Waits for a moment at which the rest of the machine rests, but not for long: a busy neighbour then shows in the
 * results, as the share of the others.
 */
export async function waitForQuiet(secondsMax: number): Promise<void> {
  const deadline = performance.now() + secondsMax * 1_000;
  let before = readMachine([]);
  while (performance.now() < deadline) {
    await delay(quietMilliseconds);
    const after = readMachine([]);
    const share = othersShare(before, after);
    if (share === undefined || share <= quietShare) return;
    before = after;
  }
}

/** Memory that a process holds, in megabytes (10^6 bytes). */
export interface Memory {
  readonly resident: number;
  /** The part of it that is the program's own files, which processes share and the system can take back at any time. */
  readonly files: number;
}

/** Undefined where /proc does not exist. */
export function readMemory(pid: number): Memory | undefined {
  if (process.platform !== 'linux') return undefined;
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return (Number(kilobytes ?? 0) * 1_024) / 1e6;
  };
  return { resident: read('VmRSS'), files: read('RssFile') };
}

function treeTicks(root: number): number {
  const own = readTimes(root);
  if (own === undefined) return 0;
  let ticks = own.ownTicks + own.collectedTicks;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const times = Number.isInteger(pid) ? readTimes(pid) : undefined;
    if (times?.parent === root) ticks += times.ownTicks;
  }
  return ticks;
}

/** Undefined for a process that has just gone. */
function readTimes(pid: number): ProcessTimes | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  // The name stands in parentheses and may hold anything; fields after it are counted from the state, field 3.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { parent: fields[1]!, ownTicks: fields[11]! + fields[12]!, collectedTicks: fields[13]! + fields[14]! };
}
