import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** Older servers drop stream settings that Caseload relies on, without a word. */
export const natsServerFloor: Version = [2, 12, 0];

const answerMilliseconds = 10_000;

/** Asks a nats-server for its version; undefined when it does not run on this machine or is something else. */
export async function readNatsVersion(binary: string): Promise<Version | undefined> {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], {
      timeout: answerMilliseconds,
      windowsHide: true,
    });
    const match = /nats-server:?\s+v?(\d+)\.(\d+)\.(\d+)/.exec(stdout);
    return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
  } catch {
    return undefined;
  }
}

export function isAtLeast(version: Version, floor: Version): boolean {
  const differing = version.findIndex((part, index) => part !== floor[index]);
  return differing === -1 || version[differing]! > floor[differing]!;
}

export function formatVersion(version: Version): string {
  return version.join('.');
}
