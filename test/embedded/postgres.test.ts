import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { FolderInUseError } from '../../src/embedded/folder-owner.ts';
import { findFreePort, PortBusyError } from '../../src/embedded/ports.ts';
import type { EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { binariesIn, findPostgresBinaries } from '../../src/embedded/postgres-binaries.ts';
import { preparePostgresHome, removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { identifyProcess } from '../../src/embedded/processes.ts';
import { createLogger } from '../../src/log.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startStranger } from '../support/stranger.ts';

const log = createLogger('test', 'silent');
const isRoot = process.getuid?.() === 0;
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(
  directory: string,
  port = 0,
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    directory,
    port,
    log,
    settings: { shared_buffers: '16MB', ...settings },
  });
  cleanups.push(server.stop);
  return server;
}

async function query(url: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test('data survives stop and start, also of a server that was killed', async () => {
  const directory = uniqueDirectory('postgres');
  const first = await start(directory);
  const url = await first.ensureDatabase('kept');
  await query(url, "create table note as select 'hello' as text");
  await first.stop();
  expect(identifyProcess(first.pid)).toBeUndefined();

  const second = await start(directory);
  expect(await query(await second.ensureDatabase('kept'), 'select text from note')).toEqual([{ text: 'hello' }]);
  process.kill(second.pid, 'SIGKILL');
  await second.exited;
  await second.stop();

  const third = await start(directory);
  expect(await query(third.url('kept'), 'select text from note')).toEqual([{ text: 'hello' }]);
});

test('settings go over the defaults', async () => {
  const server = await start(uniqueDirectory('postgres'), 0, { work_mem: '7MB', max_connections: '20' });
  expect(
    await query(
      server.url('postgres'),
      "select current_setting('work_mem') memory, current_setting('max_connections') connections",
    ),
  ).toEqual([{ memory: '7MB', connections: '20' }]);
});

test('nobody gets in without the password, which lies in a file for its owner alone', async () => {
  const directory = uniqueDirectory('postgres');
  const server = await start(directory);
  const stranger = new URL(server.url('postgres'));
  stranger.password = 'guess';
  await expect(query(stranger.href, 'select 1')).rejects.toThrow(/password authentication failed/);
  const passwordFile = join(server.dataDirectory, '..', 'password');
  expect((await stat(passwordFile)).mode & 0o077).toBe(0);
});

describe('what an earlier run left', () => {
  test('a server that still runs is stopped', async () => {
    const directory = uniqueDirectory('postgres');
    const first = await start(directory);
    await first.stop();
    const { binaries, account } = await preparePostgresHome(directory, findPostgresBinaries());
    const leftover = spawn(
      binaries.postgres,
      ['-D', first.dataDirectory, '-p', String(await findFreePort()), '-c', 'unix_socket_directories='],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
        cwd: first.dataDirectory,
        uid: account?.uid,
        gid: account?.gid,
      },
    );
    const ended = once(leftover, 'exit');
    for await (const chunk of leftover.stderr.iterator({ destroyOnReturn: false })) {
      if (String(chunk).includes('ready to accept connections')) break;
    }
    leftover.stderr.resume();
    const second = await start(directory);
    expect(await ended).toEqual([0, null]);
    expect(await query(second.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a lock file with the number of a stranger is no obstacle, and the stranger is left alone', async () => {
    const directory = uniqueDirectory('postgres');
    const first = await start(directory);
    await first.stop();
    const stranger = startStranger();
    cleanups.push(async () => stranger.kill('SIGKILL'));
    await once(stranger, 'spawn');
    await writeFile(join(first.dataDirectory, 'postmaster.pid'), `${stranger.pid}\n${first.dataDirectory}\n`);
    await start(directory);
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
  });

  test('database files that were not finished are made anew', async () => {
    const directory = uniqueDirectory('postgres');
    await mkdir(join(directory, 'data.new', 'base'), { recursive: true });
    const server = await start(directory);
    expect(await query(server.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

test('the server stops when the process that started it is killed', async () => {
  const directory = uniqueDirectory('postgres');
  const { child, firstLine, exited } = runModule(`
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('../../src/embedded/postgres.ts', import.meta.url).href)};
    import { createLogger } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)};
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)}, port: 0, log: createLogger('test', 'silent') });
    console.log(server.url('postgres'));
  `);
  const client = new Client({ connectionString: await firstLine });
  client.on('error', () => undefined);
  await client.connect();
  const disconnected = new Promise((resolve) => client.once('end', resolve));
  child.kill('SIGKILL');
  await exited;
  await disconnected;
  await start(directory);
});

test('a folder is used by one process at a time', async () => {
  const directory = uniqueDirectory('postgres');
  const first = await start(directory);
  await expect(start(directory)).rejects.toThrow(FolderInUseError);
  expect(await query(first.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  await first.stop();
  await start(directory);
});

test('a busy port is said plainly, and the folder stays usable', async () => {
  const directory = uniqueDirectory('postgres');
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as AddressInfo;
  const refusal = await start(directory, port).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(PortBusyError);
  expect((refusal as PortBusyError).message).toContain(`Port ${port}`);
  blocker.close();
  await once(blocker, 'close');
  expect((await start(directory, port)).port).toBe(port);
});

test('a server that does not come up says why', async () => {
  await expect(start(uniqueDirectory('postgres'), 0, { shared_buffers: 'plenty' })).rejects.toThrow(
    /ended while it started[\s\S]*shared_buffers/,
  );
});

describe.runIf(isRoot)('as root', () => {
  test('the server runs under an unprivileged account', async () => {
    const server = await start(uniqueDirectory('postgres'));
    expect((await stat(`/proc/${server.pid}`)).uid).not.toBe(0);
  });

  test('a folder that the account cannot enter is replaced by one that it can, for good', async () => {
    const closed = uniqueDirectory('closed');
    await mkdir(closed);
    await chmod(closed, 0o700);
    cleanups.push(() => rm(closed, { recursive: true, force: true }));
    const directory = join(closed, 'postgres');
    cleanups.push(() => removePostgresHome(directory));
    const first = await start(directory);
    expect(first.dataDirectory.startsWith(closed)).toBe(false);
    await query(await first.ensureDatabase('kept'), "create table note as select 'hello' as text");
    await first.stop();
    const second = await start(directory);
    expect(await query(second.url('kept'), 'select text from note')).toEqual([{ text: 'hello' }]);
    await second.stop();
    await removePostgresHome(directory);
    await expect(stat(second.dataDirectory)).rejects.toThrow(/ENOENT/);
  });

  test('programs that the account cannot reach are copied', async () => {
    const closed = uniqueDirectory('closed');
    await mkdir(closed);
    cleanups.push(() => rm(closed, { recursive: true, force: true }));
    const { root } = findPostgresBinaries();
    await cp(root, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
    await chmod(closed, 0o700);
    const directory = join(closed, 'postgres');
    cleanups.push(() => removePostgresHome(directory));
    const server = await startEmbeddedPostgres({
      directory,
      port: 0,
      log,
      binaries: binariesIn(join(closed, 'native')),
    });
    cleanups.push(server.stop);
    expect(await query(server.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});
