import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Archive, SourceFile } from './apt-sources.ts';
import { findArchive } from './apt-sources.ts';
import { formatVersion, isAtLeast, natsServerFloor, readNatsVersion } from './nats-version.ts';

const execute = promisify(execFile);

const packageName = 'nats-server';
const commandMilliseconds = 10 * 60_000;
const heartbeatMilliseconds = 10_000;
const keyrings: readonly string[] = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
];

/** Why the distribution could not give a nats-server; one sentence for a person. */
export class PackageUnavailableError extends Error {
  override readonly name = 'PackageUnavailableError';
}

/**
 * Fetches nats-server from the package archive that this machine is configured with, without root and without
 * installing anything: apt gets folders of its own, checks the archive's signature as always, and the package is
 * unpacked into `target`, as `target/nats-server`.
 * @param signal ends apt and with it the fetching
 * @throws PackageUnavailableError when the machine has no apt, no known archive, or no suite with a new enough version;
 * the signal's reason when it was aborted.
 */
export async function fetchNatsPackage(
  target: string,
  report: (message: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const archive = await readArchive();
  await mkdir(target, { recursive: true });
  const reasons: string[] = [];
  for (const suite of archive.suites) {
    const work = await mkdtemp(join(target, 'fetch-'));
    try {
      return await fetchFromSuite({ archive, suite, work, target, report, signal });
    } catch (error) {
      signal?.throwIfAborted();
      const reason = `${suite}: ${describeFailure(error)}`;
      report(`  not from ${reason}`);
      reasons.push(reason);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new PackageUnavailableError(
    `the package archive of this machine has no usable nats-server (${reasons.join('; ')})`,
  );
}

interface Fetching {
  readonly archive: Archive;
  readonly suite: string;
  readonly work: string;
  readonly target: string;
  readonly report: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function fetchFromSuite({ archive, suite, work, target, report, signal }: Fetching): Promise<string> {
  const configuration = await writeAptConfiguration(archive, suite, work);
  const apt = (...parts: readonly string[]): Promise<string> =>
    runTool('apt-get', ['-c', configuration, ...parts], work, signal);
  await withHeartbeat(report, `  reading the package list of '${suite}' (some 10 MB)`, () => apt('update'));
  const policy = await runTool('apt-cache', ['-c', configuration, 'policy', packageName], work);
  const candidate = /Candidate:\s*(\S+)/.exec(policy)?.[1];
  if (candidate === undefined || candidate === '(none)') throw new PackageUnavailableError('has no nats-server');
  await withHeartbeat(report, `  fetching ${packageName} ${candidate}`, () =>
    apt('download', `${packageName}=${candidate}`),
  );
  const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new PackageUnavailableError('apt fetched no package');
  const unpacked = join(work, 'unpacked');
  await runTool('dpkg-deb', ['-x', join(work, file), unpacked], work);
  const binary = await findBinary(unpacked);
  const version = await readNatsVersion(binary);
  if (version === undefined) throw new PackageUnavailableError(`${candidate} does not run on this machine`);
  if (!isAtLeast(version, natsServerFloor)) {
    throw new PackageUnavailableError(`${formatVersion(version)} is older than ${formatVersion(natsServerFloor)}`);
  }
  const installed = join(target, packageName);
  await rename(binary, installed);
  report(`  nats-server ${formatVersion(version)} is ready in ${target}`);
  return installed;
}

/** The machine's own settings (proxy, credentials) stay in force; only the folders and the list of sources are ours. */
async function writeAptConfiguration(archive: Archive, suite: string, work: string): Promise<string> {
  const sources = join(work, 'sources');
  const state = join(work, 'state');
  const cache = join(work, 'cache');
  for (const folder of [sources, join(state, 'lists', 'partial'), join(cache, 'archives', 'partial')])
    await mkdir(folder, { recursive: true });
  const status = join(work, 'status');
  await writeFile(status, '');
  const architecture = (await runTool('dpkg', ['--print-architecture'], work)).trim();
  const signedBy = archive.signedBy ?? (await findKeyring());
  const paragraph = [
    'Types: deb',
    `URIs: ${archive.uris}`,
    `Suites: ${suite}`,
    `Components: ${archive.components}`,
    `Architectures: ${architecture}`,
    'Targets: Packages',
    'Languages: none',
    ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`]),
  ];
  await writeFile(join(sources, 'archive.sources'), `${paragraph.join('\n')}\n`);
  const configuration = join(work, 'apt.conf');
  const lines = [
    // Hooks of the machine (cleaning its package cache, telling desktops) are for its own updates.
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    `Dir::State "${state}";`,
    `Dir::State::lists "${join(state, 'lists')}";`,
    `Dir::State::status "${status}";`,
    `Dir::Cache "${cache}";`,
    `Dir::Cache::archives "${join(cache, 'archives')}";`,
    'Dir::Etc::sourcelist "/dev/null";',
    `Dir::Etc::sourceparts "${sources}";`,
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::AllowWeakRepositories "false";',
    'Acquire::AllowDowngradeToInsecureRepositories "false";',
    'APT::Get::AllowUnauthenticated "false";',
    'APT::Update::Error-Mode "any";',
    'Acquire::Retries "2";',
    'Acquire::http::Timeout "30";',
    'Acquire::https::Timeout "30";',
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`);
  return configuration;
}

async function readArchive(): Promise<Archive> {
  if (process.platform !== 'linux') throw new PackageUnavailableError('this is no Linux with apt');
  const folder = '/etc/apt/sources.list.d';
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name)).sort();
  const files = [readSource('/etc/apt/sources.list'), ...names.map((name) => readSource(join(folder, name)))];
  const found = (await Promise.all(files)).filter((file) => file !== undefined);
  if (found.length === 0) throw new PackageUnavailableError('this machine has no apt package sources');
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const archive = findArchive(found, osRelease);
  if (archive === undefined)
    throw new PackageUnavailableError("the distribution's own archive was not recognised among the package sources");
  return archive;
}

/** A source that may not be read (third parties keep credentials in theirs) is left out. */
async function readSource(name: string): Promise<SourceFile | undefined> {
  try {
    return { name, text: await readFile(name, 'utf8') };
  } catch {
    return undefined;
  }
}

async function findKeyring(): Promise<string | undefined> {
  for (const keyring of keyrings) {
    if (await isThere(keyring)) return keyring;
  }
  return undefined;
}

async function findBinary(unpacked: string): Promise<string> {
  for (const folder of ['usr/sbin', 'usr/bin', 'sbin', 'bin']) {
    const binary = join(unpacked, folder, packageName);
    if (await isThere(binary)) return binary;
  }
  throw new PackageUnavailableError('the package holds no nats-server program');
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
}

async function runTool(
  tool: string,
  args: readonly string[],
  directory: string,
  signal?: AbortSignal,
): Promise<string> {
  const environment = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const { stdout } = await execute(tool, args, {
    cwd: directory,
    env: environment,
    timeout: commandMilliseconds,
    maxBuffer: 10_000_000,
    signal,
  });
  return stdout;
}

async function withHeartbeat<Result>(
  report: (message: string) => void,
  message: string,
  work: () => Promise<Result>,
): Promise<Result> {
  report(`${message} …`);
  const started = performance.now();
  const timer = setInterval(
    () => report(`${message} … ${Math.round((performance.now() - started) / 1_000)} s`),
    heartbeatMilliseconds,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function describeFailure(error: unknown): string {
  if (error instanceof PackageUnavailableError) return error.message;
  const { code, stderr = '', message } = error as { code?: string | number; stderr?: string; message: string };
  if (code === 'ENOENT') return 'apt-get, apt-cache, dpkg or dpkg-deb is missing';
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => text.startsWith('E:')) ?? lines.at(-1) ?? message;
  return line.replace(/^E:\s*/, '');
}
