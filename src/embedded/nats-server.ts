import { constants } from 'node:fs';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { ownFolder } from './folder-owner.ts';
import { natsStopSteps, stopLeftoverNats } from './nats-leftover.ts';
import { fetchNatsPackage, PackageUnavailableError } from './nats-package.ts';
import { formatVersion, isAtLeast, natsServerFloor, readNatsVersion } from './nats-version.ts';
import { loopback, PortBusyError, requireFreePort } from './ports.ts';
import type { ServerProcess } from './server-process.ts';
import { startServerProcess } from './server-process.ts';

/** No usable nats-server was found. The message says how to get one, a line for each kind of machine. */
export class NatsServerMissingError extends Error {
  override readonly name = 'NatsServerMissingError';
}

export interface FindNatsServerOptions {
  /** Keeps a fetched server, so that the next start needs no network. */
  readonly cacheDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told in plain words what is skipped and what takes time. */
  readonly report: (message: string) => void;
  /** Ends a fetching that is under way. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds a nats-server of version 2.12 or newer: the one that `NATS_SERVER` names, else one on the PATH, else the
 * distribution's package, fetched without root into the cache folder (Debian, Ubuntu and their kin).
 * @returns the path of the program.
 * @throws NatsServerMissingError when there is none, with the ways to get it.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<string> {
  const named = options.environment.NATS_SERVER?.trim();
  if (named !== undefined && named !== '') return requireUsable(named);
  const onPath = await findOnPath(options);
  if (onPath !== undefined) return onPath;
  const folder = resolve(options.cacheDirectory, 'nats-server');
  const cached = join(folder, 'nats-server');
  const cachedVersion = await readNatsVersion(cached);
  if (cachedVersion !== undefined && isAtLeast(cachedVersion, natsServerFloor)) return cached;
  options.report('nats-server is not installed: getting it from the package archive of this machine, once');
  try {
    return await fetchNatsPackage(folder, options.report, options.signal);
  } catch (error) {
    if (error instanceof PackageUnavailableError)
      throw new NatsServerMissingError(describeWaysOut(error.message), { cause: error });
    throw error;
  }
}

/** A nats-server of our own with JetStream, listening on the loopback interface only. */
export interface EmbeddedNats {
  readonly url: string;
  readonly port: number;
  /** The port of the HTTP monitoring pages. */
  readonly monitorPort: number;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Stops the server and waits for its end. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartNatsServerOptions {
  /** The program, from {@link findNatsServer}. */
  readonly binary: string;
  /** Keeps configuration and streams between starts. For this server alone. */
  readonly directory: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** 0, the default, takes a free one. */
  readonly monitorPort?: number | undefined;
  readonly serverName: string;
  readonly log: Logger;
  /** How often streams are flushed to disk: `always`, or a time such as `10s`. The server's own default is two minutes. */
  readonly syncInterval?: string | undefined;
  /** What all streams together may take on disk; the server's own default is a part of what is free. */
  readonly storeBytesMax?: number | undefined;
}

/**
 * Starts nats-server with JetStream in a folder and waits until it serves, streams recovered. A server that an earlier,
 * killed run left in the folder is stopped first. When this process is killed, the server is stopped by a watchdog.
 * @throws FolderInUseError when another running process uses the folder.
 * @throws PortBusyError when a port is taken.
 * @throws Error with the server's last words when it does not come up.
 */
export async function startNatsServer(options: StartNatsServerOptions): Promise<EmbeddedNats> {
  const directory = resolve(options.directory);
  const release = ownFolder(directory);
  try {
    const files = natsFiles(directory);
    if (await stopLeftoverNats(files.pid, files.configuration))
      options.log.warn('stopped a nats-server that an earlier run left behind');
    for (const [port, purpose] of [
      [options.port, 'NATS'],
      [options.monitorPort ?? 0, 'the pages of nats-server'],
    ] as const) {
      if (port !== 0) await requireFreePort(port, purpose);
    }
    await writeConfiguration(files, options);
    const server = await launch(files, options);
    const ports = await waitUntilServing(server, files, options);
    const stop = async (): Promise<void> => {
      await server.stop();
      release();
    };
    return { ...ports, url: `nats://${loopback}:${ports.port}`, pid: server.pid, exited: server.exited, stop };
  } catch (error) {
    release();
    throw error;
  }
}

interface NatsFiles {
  readonly directory: string;
  readonly configuration: string;
  readonly pid: string;
  /** The server writes the ports that it really listens on to a file in here. */
  readonly ports: string;
  readonly store: string;
}

const servingMilliseconds = 60_000;
const pollMilliseconds = 10;
const answerMilliseconds = 2_000;

function natsFiles(directory: string): NatsFiles {
  return {
    directory,
    configuration: join(directory, 'nats-server.conf'),
    pid: join(directory, 'nats-server.pid'),
    ports: join(directory, 'ports'),
    store: join(directory, 'store'),
  };
}

/** JSON is a subset of the server's configuration language. Port -1 takes a free one. */
async function writeConfiguration(files: NatsFiles, options: StartNatsServerOptions): Promise<void> {
  await rm(files.ports, { recursive: true, force: true });
  await mkdir(files.ports, { recursive: true });
  const configuration = {
    server_name: options.serverName,
    host: loopback,
    port: options.port === 0 ? -1 : options.port,
    http: `${loopback}:${options.monitorPort === undefined || options.monitorPort === 0 ? -1 : options.monitorPort}`,
    pid_file: files.pid,
    ports_file_dir: files.ports,
    jetstream: {
      store_dir: files.store,
      ...(options.syncInterval === undefined ? {} : { sync_interval: options.syncInterval }),
      ...(options.storeBytesMax === undefined ? {} : { max_file_store: options.storeBytesMax }),
    },
  };
  await writeFile(files.configuration, `${JSON.stringify(configuration, null, 2)}\n`);
}

function launch(files: NatsFiles, options: StartNatsServerOptions): Promise<ServerProcess> {
  const { PATH, TMPDIR, TEMP, TMP, SystemRoot } = process.env;
  return startServerProcess({
    name: 'nats-server',
    binary: options.binary,
    arguments: ['-c', files.configuration],
    directory: files.directory,
    environment: { PATH, TMPDIR, TEMP, TMP, SystemRoot },
    stopSteps: natsStopSteps,
    orphanSignal: 'TERM',
    onLine: (line) => options.log.debug({ server: 'nats' }, line),
  });
}

async function waitUntilServing(
  server: ServerProcess,
  files: NatsFiles,
  options: StartNatsServerOptions,
): Promise<{ port: number; monitorPort: number }> {
  const deadline = performance.now() + servingMilliseconds;
  while (!server.hasExited() && performance.now() < deadline) {
    const ports = await readPorts(join(files.ports, `nats-server_${server.pid}.ports`));
    if (ports !== undefined && (await isHealthy(ports.monitorPort))) return ports;
    await delay(pollMilliseconds);
  }
  const late = !server.hasExited();
  await server.stop();
  const output = server.recentOutput();
  if (/address already in use|Only one usage of each socket address/i.test(output))
    throw new PortBusyError(options.port, 'NATS');
  throw new Error(
    `nats-server ${late ? `was not ready within ${servingMilliseconds / 1_000} s` : 'ended while it started'}. Its last words:\n${output}`,
  );
}

/** Undefined while the server has not (completely) written them. */
async function readPorts(file: string): Promise<{ port: number; monitorPort: number } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const port = portAfter('nats', text);
  const monitorPort = portAfter('http', text);
  return port === undefined || monitorPort === undefined ? undefined : { port, monitorPort };
}

function portAfter(scheme: string, text: string): number | undefined {
  const match = new RegExp(`"${scheme}://[^"]*:(\\d+)"`).exec(text);
  return match === null ? undefined : Number(match[1]);
}

async function isHealthy(monitorPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${loopback}:${monitorPort}/healthz`, {
      signal: AbortSignal.timeout(answerMilliseconds),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function requireUsable(binary: string): Promise<string> {
  const version = await readNatsVersion(binary);
  if (version === undefined)
    throw new NatsServerMissingError(`NATS_SERVER is ${binary}, but that is no nats-server that runs here`);
  if (isAtLeast(version, natsServerFloor)) return binary;
  throw new NatsServerMissingError(
    `NATS_SERVER is ${binary}, version ${formatVersion(version)}; Caseload needs ${formatVersion(natsServerFloor)} or newer`,
  );
}

async function findOnPath({ environment, report }: FindNatsServerOptions): Promise<string | undefined> {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
  const folders = (environment.PATH ?? environment.Path ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of new Set(folders)) {
    const binary = join(folder, name);
    if (!(await isExecutable(binary))) continue;
    const version = await readNatsVersion(binary);
    if (version !== undefined && isAtLeast(version, natsServerFloor)) return binary;
    const what = version === undefined ? 'does not run' : `is version ${formatVersion(version)}`;
    report(`${binary} ${what}; Caseload needs ${formatVersion(natsServerFloor)} or newer, so it is not used`);
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function describeWaysOut(reason: string): string {
  return [
    `nats-server ${formatVersion(natsServerFloor)} or newer was not found: ${reason}. Get it with one of these, then start again:`,
    '  macOS     brew install nats-server',
    '  Windows   winget install NATSAuthors.NATSServer   (or: scoop install nats-server, choco install nats-server)',
    '  Linux     brew install nats-server   (or unpack a release of github.com/nats-io/nats-server and set NATS_SERVER to its path)',
    '  Docker    docker run -d -p 127.0.0.1:4222:4222 nats:2.15 -js   and set NATS_URL=nats://127.0.0.1:4222',
  ].join('\n');
}
