import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What every command of a test sees: nothing of the settings of the machine that the tests run on. */
export function bareEnvironment(environment: Environment): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  return { PATH, HOME, TMPDIR, SystemRoot, ...environment };
}

export function spawnCli(args: readonly string[], environment: Environment) {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...args], {
    env: bareEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `caseload` with these arguments until it ends. */
export function runCli(args: readonly string[], environment: Environment): Promise<CliResult> {
  const child = spawnCli(args, environment);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
