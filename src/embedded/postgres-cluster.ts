import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresHome } from './postgres-home.ts';
import type { StopStep } from './processes.ts';
import { describeProcess, identifyProcess, stopProcess } from './processes.ts';

const execute = promisify(execFile);

export const postgresUser = 'caseload';

/** Fast (open transactions are rolled back), then immediate (recovers at the next start), then by force. */
export const postgresStopSteps: readonly StopStep[] = [
  { signal: 'SIGINT', waitMilliseconds: 20_000 },
  { signal: 'SIGQUIT', waitMilliseconds: 5_000 },
  { signal: 'SIGKILL', waitMilliseconds: 5_000 },
];

const initdbMilliseconds = 120_000;

/** What the server programs see of our environment: no secrets, and no PG… variable that would change their behaviour. */
export function postgresEnvironment(): Record<string, string | undefined> {
  const { PATH, TMPDIR, TEMP, TMP, SystemRoot } = process.env;
  return { PATH, TMPDIR, TEMP, TMP, SystemRoot, LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * Creates the database files unless they are there. They appear under their name only when they are complete, so a
 * start that was cut off leaves nothing half done.
 * @returns the superuser's password, kept in a file that only its owner can read.
 * @throws Error with initdb's own words when it fails, or when the password of existing data is lost.
 */
export async function ensureCluster(home: PostgresHome): Promise<string> {
  const data = join(home.directory, 'data');
  const passwordFile = join(home.directory, 'password');
  if (await exists(join(data, 'PG_VERSION'))) {
    const kept = (await readIfThere(passwordFile))?.trim();
    if (kept === undefined || kept === '')
      throw new Error(
        `The password of the database in ${data} is missing: put ${passwordFile} back, or remove ${home.directory} to begin anew`,
      );
    return kept;
  }
  const password = randomBytes(24).toString('base64url');
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const draft = join(home.directory, 'data.new');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  if (home.account !== undefined) {
    await chown(passwordFile, home.account.uid, home.account.gid);
    await chown(draft, home.account.uid, home.account.gid);
  }
  await runInitdb(home, draft, passwordFile);
  await rm(data, { recursive: true, force: true });
  await rename(draft, data);
  return password;
}

/**
 * Stops a server that an earlier, killed run left behind, and removes a lock file that belongs to nobody.
 * @returns whether a server was stopped.
 */
export async function stopLeftoverPostgres(home: PostgresHome): Promise<boolean> {
  const data = join(home.directory, 'data');
  const lockFile = join(data, 'postmaster.pid');
  const text = await readIfThere(lockFile);
  if (text === undefined) return false;
  const leftover = identifyProcess(Number.parseInt(text, 10));
  const ours = leftover !== undefined && (await servesData(leftover.pid, data));
  if (ours) await stopProcess(leftover, postgresStopSteps);
  // PostgreSQL would take any process with that number for a server of its own, and refuse to start.
  await rm(lockFile, { force: true });
  return ours;
}

/** A server of this data has it as its working directory, or names it in its command where that is all that can be seen. */
async function servesData(pid: number, data: string): Promise<boolean> {
  const { command, directory } = describeProcess(pid);
  if (!/postgres/i.test(basename(command.split(' ')[0] ?? '')) && !/postgres/i.test(command)) return false;
  return command.includes(data) || (directory !== '' && directory === (await realpath(data)));
}

async function runInitdb(home: PostgresHome, data: string, passwordFile: string): Promise<void> {
  const options = [
    `--pgdata=${data}`,
    `--username=${postgresUser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  try {
    await execute(home.binaries.initdb, options, {
      cwd: home.directory,
      env: postgresEnvironment(),
      timeout: initdbMilliseconds,
      uid: home.account?.uid,
      gid: home.account?.gid,
      windowsHide: true,
    });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`The database could not be created: initdb says: ${(stderr ?? '').trim() || message}`, {
      cause: error,
    });
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(missing)) !== undefined;
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(missing);
}

function missing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
