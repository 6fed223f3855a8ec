import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';

/** A process that has nothing to do with us and waits. It ends with the test process at the latest. */
export function startStranger(): ChildProcess {
  return spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
}
