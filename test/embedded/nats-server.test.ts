import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { FolderInUseError } from '../../src/embedded/folder-owner.ts';
import type { EmbeddedNats } from '../../src/embedded/nats-server.ts';
import { findNatsServer, startNatsServer } from '../../src/embedded/nats-server.ts';
import { PortBusyError } from '../../src/embedded/ports.ts';
import { identifyProcess } from '../../src/embedded/processes.ts';
import { createLogger } from '../../src/log.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startStranger } from '../support/stranger.ts';

const log = createLogger('test', 'silent');
const moduleUrl = new URL('../../src/embedded/nats-server.ts', import.meta.url).href;
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  directory: string,
  ports: { readonly port?: number; readonly monitorPort?: number } = {},
): Promise<EmbeddedNats> {
  const server = await startNatsServer({
    binary: inject('natsServer'),
    directory,
    port: 0,
    serverName: 'test',
    log,
    ...ports,
  });
  cleanups.push(server.stop);
  return server;
}

async function countMessages(server: EmbeddedNats): Promise<number> {
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('KEPT');
  await connection.close();
  return state.messages;
}

test('streams survive stop and start, also of a server that was killed', async () => {
  const directory = uniqueDirectory('nats with a space');
  const first = await start(directory);
  const connection = await connect({ servers: first.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
  await jetstream(connection).publish('kept', 'hello');
  await connection.close();
  await first.stop();
  expect(identifyProcess(first.pid)).toBeUndefined();

  const second = await start(directory);
  expect(await countMessages(second)).toBe(1);
  process.kill(second.pid, 'SIGKILL');
  await second.exited;
  await second.stop();
  expect(await countMessages(await start(directory))).toBe(1);
});

test('the monitoring page answers as soon as the server is said to be up', async () => {
  const server = await start(uniqueDirectory('nats'));
  const answer = await fetch(`http://127.0.0.1:${server.monitorPort}/jsz`);
  expect(await answer.json()).toMatchObject({ config: { store_dir: expect.stringContaining('nats') } });
});

test('the sync interval reaches the server', async () => {
  const directory = uniqueDirectory('nats');
  const server = await startNatsServer({
    binary: inject('natsServer'),
    directory,
    port: 0,
    serverName: 'test',
    log,
    syncInterval: 'always',
  });
  cleanups.push(server.stop);
  const answer = await fetch(`http://127.0.0.1:${server.monitorPort}/jsz`);
  expect(await answer.json()).toMatchObject({ config: { sync_always: true } });
});

test('a server that an earlier run left is stopped', async () => {
  const directory = uniqueDirectory('nats');
  const first = await start(directory);
  await first.stop();
  const leftover = spawn(inject('natsServer'), ['-c', join(directory, 'nats-server.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(leftover, 'exit');
  for await (const chunk of leftover.stderr.iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes('Server is ready')) break;
  }
  leftover.stderr.resume();
  const second = await start(directory);
  await ended;
  expect(second.pid).not.toBe(leftover.pid);
});

test('a process that only has the number of an earlier server is left alone', async () => {
  const directory = uniqueDirectory('nats');
  const stranger = startStranger();
  cleanups.push(async () => stranger.kill('SIGKILL'));
  await once(stranger, 'spawn');
  await mkdir(directory);
  await writeFile(join(directory, 'nats-server.pid'), String(stranger.pid));
  await start(directory);
  expect(stranger.exitCode).toBeNull();
  expect(stranger.signalCode).toBeNull();
});

test('the server stops when the process that started it is killed', async () => {
  const directory = uniqueDirectory('nats');
  const { child, firstLine, exited } = runModule(`
    import { startNatsServer } from ${JSON.stringify(moduleUrl)};
    import { createLogger } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)};
    const server = await startNatsServer({ binary: ${JSON.stringify(inject('natsServer'))}, directory: ${JSON.stringify(directory)}, port: 0, serverName: 'test', log: createLogger('test', 'silent') });
    console.log(server.url);
  `);
  const connection = await connect({ servers: await firstLine, reconnect: false });
  child.kill('SIGKILL');
  await exited;
  await connection.closed();
  await start(directory);
});

test('a folder is used by one process at a time', async () => {
  const directory = uniqueDirectory('nats');
  const first = await start(directory);
  await expect(start(directory)).rejects.toThrow(FolderInUseError);
  await first.stop();
  await start(directory);
});

test.each(['port', 'monitorPort'])('a busy %s is said plainly, and the folder stays usable', async (which) => {
  const directory = uniqueDirectory('nats');
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as AddressInfo;
  const refusal = await start(directory, { [which]: port }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(PortBusyError);
  expect((refusal as PortBusyError).message).toContain(`Port ${port}`);
  blocker.close();
  await once(blocker, 'close');
  expect(await start(directory, { [which]: port })).toHaveProperty(which, port);
});

test('a server that does not come up says why', async () => {
  const directory = uniqueDirectory('nats');
  await mkdir(directory);
  await writeFile(join(directory, 'store'), 'a file where a folder is needed');
  await expect(start(directory)).rejects.toThrow(/ended while it started[\s\S]*storage directory/);
});

describe.skipIf(process.platform === 'win32')('finding the program', () => {
  async function fakeServer(directory: string, version: string): Promise<string> {
    await mkdir(directory, { recursive: true });
    const binary = join(directory, 'nats-server');
    await writeFile(binary, `#!/bin/sh\necho 'nats-server: v${version}'\n`);
    await chmod(binary, 0o755);
    return binary;
  }

  async function find(
    environment: Readonly<Record<string, string>>,
    cacheDirectory = uniqueDirectory('cache'),
  ): Promise<{ found: string; reports: string[] }> {
    const reports: string[] = [];
    const found = await findNatsServer({ cacheDirectory, environment, report: (message) => reports.push(message) });
    return { found, reports };
  }

  test('NATS_SERVER comes first', async () => {
    const named = await fakeServer(uniqueDirectory('named'), '2.14.7');
    const onPath = await fakeServer(uniqueDirectory('path'), '2.15.0');
    expect((await find({ NATS_SERVER: named, PATH: join(onPath, '..') })).found).toBe(named);
  });

  test('NATS_SERVER must be new enough and a nats-server', async () => {
    const old = await fakeServer(uniqueDirectory('named'), '2.9.10');
    await expect(find({ NATS_SERVER: old })).rejects.toThrow(/version 2\.9\.10; Caseload needs 2\.12\.0 or newer/);
    await expect(find({ NATS_SERVER: '/bin/sh' })).rejects.toThrow(/no nats-server that runs here/);
  });

  test('an old one on the PATH is skipped with a word about it', async () => {
    const [old, current] = [
      await fakeServer(uniqueDirectory('path'), '2.9.10'),
      await fakeServer(uniqueDirectory('path'), '2.12.0'),
    ];
    const { found, reports } = await find({ PATH: [old, current].map((binary) => join(binary, '..')).join(delimiter) });
    expect(found).toBe(current);
    expect(reports).toEqual([`${old} is version 2.9.10; Caseload needs 2.12.0 or newer, so it is not used`]);
  });

  test('one that was fetched before is used without the network', async () => {
    const cache = uniqueDirectory('cache');
    const cached = await fakeServer(join(cache, 'nats-server'), '2.15.1');
    expect(await find({ PATH: '' }, cache)).toEqual({ found: cached, reports: [] });
  });

  test('without any, the message says how to get one on each kind of machine', async () => {
    const cache = uniqueDirectory('cache');
    // Without a PATH there is no apt either.
    const { firstLine } = runModule(
      `import { findNatsServer } from ${JSON.stringify(moduleUrl)};
       const error = await findNatsServer({ cacheDirectory: ${JSON.stringify(cache)}, environment: {}, report: () => {} }).catch((error) => error);
       console.log(JSON.stringify([error.name, error.message]));`,
      { PATH: '/nonexistent' },
    );
    const [name, message] = JSON.parse(await firstLine) as [string, string];
    expect(name).toBe('NatsServerMissingError');
    for (const way of ['brew install nats-server', 'winget install', 'docker run', 'NATS_SERVER'])
      expect(message).toContain(way);
    await rm(cache, { recursive: true, force: true });
  });
});

test('the configuration listens on the loopback interface only', async () => {
  const directory = uniqueDirectory('nats');
  await start(directory);
  const configuration = JSON.parse(await readFile(join(directory, 'nats-server.conf'), 'utf8')) as {
    host: string;
    http: string;
  };
  expect([configuration.host, configuration.http]).toEqual(['127.0.0.1', '127.0.0.1:-1']);
});
