import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether files of running processes can be limited here: Linux, with the program that comes with it. */
export const canLimitFiles: boolean = await run('prlimit', ['--version']).then(
  () => true,
  () => false,
);

/**
 * Lets a server and all its present and future processes write no file beyond a size: what a full disk is to it, without
 * a disk of its own. Only the soft limit is set, so that whoever runs the server may lift it.
 */
export async function limitFiles(serverPid: number, bytes: number | 'unlimited'): Promise<void> {
  // The server first: what it starts from then on is limited as well.
  await limit(serverPid, bytes);
  const children = readFileSync(`/proc/${serverPid}/task/${serverPid}/children`, 'utf8').trim().split(/\s+/);
  for (const pid of children) if (pid !== '') await limit(Number(pid), bytes).catch(() => undefined); // it has ended
}

async function limit(pid: number, bytes: number | 'unlimited'): Promise<void> {
  // A server that root has started runs under another account, and only that one may.
  const { uid, gid } = statSync(`/proc/${pid}`);
  const account = process.getuid?.() === 0 ? { uid, gid } : {};
  await run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], account);
}
