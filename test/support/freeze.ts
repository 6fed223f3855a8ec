import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';

/** Stops a process without ending it. The signal takes effect a moment after it was sent; this waits for that. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await expect
    .poll(() =>
      execFileSync('ps', ['-o', 'state=', '-p', String(pid)])
        .toString()
        .trim(),
    )
    .toMatch(/^T/);
}
