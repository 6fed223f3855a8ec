import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { binariesIn } from './postgres-binaries.ts';

/** An account that PostgreSQL may run under. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Where PostgreSQL keeps its things, with what it runs, and as whom. */
export interface PostgresHome {
  /** Holds `data` and `password`. The asked-for folder, or a replacement for it that the account can enter. */
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  /** Undefined: as we are. */
  readonly account: Account | undefined;
  /** Says why another folder than the asked-for one is used. */
  readonly notice: string | undefined;
}

/** Names the folder that stands in for one that an unprivileged account cannot enter. */
const locationFile = 'location';
const accountNames = ['postgres', 'nobody', 'daemon'] as const;

/**
 * Decides where and as whom PostgreSQL runs. PostgreSQL refuses to run as root, so root lends it an unprivileged account.
 * Such an account may be kept out of our folder (a clone below a home with mode 0700); nobody's permissions are changed
 * for that: the data goes to a folder of its own below /var/lib (or the temporary folder), and the programs are copied
 * there too when they cannot be reached.
 * @throws Error when root finds no account that can run the programs, or the data belongs to another account.
 */
export async function preparePostgresHome(directory: string, binaries: PostgresBinaries): Promise<PostgresHome> {
  await mkdir(directory, { recursive: true });
  if (process.getuid?.() !== 0) {
    await requireOwnData(directory);
    return { directory, binaries, account: undefined, notice: undefined };
  }
  // The account must be able to pass through our folder, whatever the umask is. What lies in it protects itself.
  await chmod(directory, 0o711);
  const replacement = await readLocation(directory);
  const accounts = await findAccounts(join(replacement ?? directory, 'data'));
  for (const account of accounts) {
    if (replacement === undefined && canEnter(account, directory) && canRun(account, binaries)) {
      return { directory, binaries, account, notice: undefined };
    }
    const home = await prepareReplacement(directory, replacement, binaries, account);
    if (home !== undefined) return home;
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and no unprivileged account that could run it was found ' +
      `(tried ${accountNames.join(', ')}). Start Caseload as a normal user, or create one: useradd --system postgres`,
  );
}

/** Removes a home with its data and its replacement elsewhere, if it has one. Nothing may run in it any more. */
export async function removePostgresHome(directory: string): Promise<void> {
  const replacement = await readLocation(directory);
  if (replacement !== undefined) await rm(replacement, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
}

async function prepareReplacement(
  directory: string,
  existing: string | undefined,
  binaries: PostgresBinaries,
  account: Account,
): Promise<PostgresHome | undefined> {
  const replacement = existing ?? (await createReplacement(directory, account));
  if (replacement === undefined) return undefined;
  const reachable = canRun(account, binaries) ? binaries : await copyBinaries(binaries, replacement);
  if (!canEnter(account, replacement) || !canRun(account, reachable)) return undefined;
  if (existing === undefined) await writeFile(join(directory, locationFile), `${replacement}\n`);
  const notice = `PostgreSQL may not run as root, and the account '${account.name}' cannot enter ${directory}: the database is kept in ${replacement}`;
  return { directory: replacement, binaries: reachable, account, notice };
}

/** One fixed place for each asked-for folder, so that clones which come and go at one path do not pile up there. */
async function createReplacement(directory: string, account: Account): Promise<string | undefined> {
  const key = createHash('sha256')
    .update(await realpath(directory))
    .digest('hex')
    .slice(0, 12);
  for (const base of ['/var/lib', tmpdir()]) {
    if (!canEnter(account, base)) continue;
    const replacement = join(base, `caseload-${key}`);
    try {
      // Without a note in our folder, what lies there belongs to a folder that was deleted.
      await rm(replacement, { recursive: true, force: true });
      await mkdir(replacement, { mode: 0o711 });
      await chmod(replacement, 0o711);
      return replacement;
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return undefined;
}

async function copyBinaries(binaries: PostgresBinaries, replacement: string): Promise<PostgresBinaries> {
  const target = join(replacement, 'programs');
  const versionFile = join(target, 'version');
  const version = spawnSync(binaries.postgres, ['--version'], { encoding: 'utf8' }).stdout;
  if ((await readTextIfThere(versionFile)) !== version) {
    const draft = `${target}.${process.pid}`;
    await rm(draft, { recursive: true, force: true });
    await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true });
    await makeReadable(draft);
    await writeFile(join(draft, 'version'), version);
    await rm(target, { recursive: true, force: true });
    await rename(draft, target);
  }
  return binariesIn(target);
}

/** A strict umask of the installation would keep the account out of the copy as well. */
async function makeReadable(folder: string): Promise<void> {
  const result = spawnSync('chmod', ['-R', 'a+rX', folder], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${folder} cannot be made readable: ${result.stderr}`);
}

async function findAccounts(data: string): Promise<readonly Account[]> {
  const accounts = accountNames.map(lookUpAccount).filter((account) => account !== undefined);
  const owner = await stat(data).catch(ignoreMissing);
  if (owner === undefined || owner.uid === 0) return accounts;
  // Existing data goes on under the account that it was created for.
  return [
    accounts.find((account) => account.uid === owner.uid) ?? {
      name: String(owner.uid),
      uid: owner.uid,
      gid: owner.gid,
    },
  ];
}

function lookUpAccount(name: string): Account | undefined {
  const [uid, gid] = ['-u', '-g'].map((option) => {
    const answer = spawnSync('id', [option, name], { encoding: 'utf8' });
    return answer.status === 0 ? Number(answer.stdout) : Number.NaN;
  });
  return uid === undefined || gid === undefined || !Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0
    ? undefined
    : { name, uid, gid };
}

function canEnter(account: Account, directory: string): boolean {
  return succeedsAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', directory]);
}

function canRun(account: Account, binaries: PostgresBinaries): boolean {
  return succeedsAs(account, binaries.postgres, ['--version']) && succeedsAs(account, binaries.initdb, ['--version']);
}

function succeedsAs(account: Account, command: string, args: readonly string[]): boolean {
  const { uid, gid } = account;
  return spawnSync(command, args, { uid, gid, cwd: '/', stdio: 'ignore', timeout: 10_000 }).status === 0;
}

async function requireOwnData(directory: string): Promise<void> {
  const location = await readLocation(directory);
  const data = join(location ?? directory, 'data');
  const owner = await stat(data).catch(ignoreMissing);
  const uid = process.getuid?.();
  if (location === undefined && (owner === undefined || uid === undefined || owner.uid === uid)) return;
  throw new Error(
    `The database in ${data} was created by another account (root, or number ${owner?.uid ?? 'unknown'}). ` +
      `Start Caseload as that account again, or remove ${directory} to begin anew`,
  );
}

async function readLocation(directory: string): Promise<string | undefined> {
  const location = (await readTextIfThere(join(directory, locationFile)))?.trim();
  if (location === undefined || location === '') return undefined;
  return (await stat(location).catch(ignoreMissing)) === undefined ? undefined : location;
}

async function readTextIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(ignoreMissing);
}

function ignoreMissing(error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
