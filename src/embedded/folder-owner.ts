import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from './processes.ts';
import { identifyProcess, isRunning } from './processes.ts';

/** Another running process uses the folder. The message says which, and what to do. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  readonly pid: number;

  constructor(directory: string, pid: number) {
    super(
      `${directory} is in use by process ${pid}: Caseload is already running in this folder. Stop it first (Ctrl-C in its terminal)`,
    );
    this.pid = pid;
  }
}

const attemptsMax = 5;

/**
 * Makes this process the only user of a server's folder until the returned function is called (safe to call twice).
 * An owner that was killed is replaced.
 * @throws FolderInUseError when the owner still runs, be it this process itself.
 */
export function ownFolder(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'owner.json');
  const self: ProcessIdentity = identifyProcess(process.pid) ?? { pid: process.pid, startedAt: '' };
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (writeNew(file, JSON.stringify(self))) return releaseOnce(file);
    const found = readText(file);
    const owner = parseIdentity(found);
    if (owner !== undefined && isRunning(owner)) throw new FolderInUseError(directory, owner.pid);
    removeIfUnchanged(file, found);
  }
  throw new Error(`${file} changes all the time: several processes want to use ${directory} at once`);
}

function releaseOnce(file: string): () => void {
  let held = true;
  return () => {
    if (held) rmSync(file, { force: true });
    held = false;
  };
}

function writeNew(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moving is atomic, so of two processes that find the same dead owner only one removes it, and neither a newer one. */
function removeIfUnchanged(file: string, expected: string): void {
  const moved = `${file}.${process.pid}`;
  try {
    renameSync(file, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readText(moved) === expected) rmSync(moved, { force: true });
  else renameSync(moved, file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** A file that was cut off while it was written belongs to nobody. */
function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^\{"pid":(\d+),"startedAt":"([^"]*)"\}$/.exec(text);
  return match === null ? undefined : { pid: Number(match[1]), startedAt: match[2]! };
}
