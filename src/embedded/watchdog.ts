import { spawn } from 'node:child_process';

/** Waits for a word; when instead its input ends, whoever held the other end is dead, and the server is told to stop. */
const script = 'read -r word; [ "$word" = done ] || kill -s "$1" "$2"';

/**
 * Sees to it that a child of ours is stopped even when this process is killed outright (SIGKILL, out of memory).
 * A tiny shell holds the reading end of a pipe; the operating system closes our end when we die, however we die.
 * Windows has no such shell: there the next start finds and stops what was left.
 * @returns a function that dismisses the watchdog, to be called when the child has ended.
 */
export function watchProcess(pid: number, signal: 'INT' | 'TERM'): () => Promise<void> {
  if (process.platform === 'win32') return async () => undefined;
  const shell = spawn('/bin/sh', ['-c', script, 'caseload-watchdog', signal, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // In a session of its own: Ctrl-C in the terminal must not end the watchdog before its ward.
    detached: true,
    cwd: '/',
  });
  const ended = new Promise<void>((resolve) => {
    shell.once('close', () => resolve());
    // Without a shell there is no watchdog; the next start still finds and stops what was left.
    shell.once('error', () => resolve());
  });
  // A watchdog that is already gone makes the pipe fail; then there is nothing to dismiss.
  shell.stdin.on('error', () => undefined);
  shell.unref();
  (shell.stdin as unknown as { unref?: () => void }).unref?.();
  return async () => {
    shell.stdin.end('done\n');
    shell.ref();
    await ended;
  };
}
