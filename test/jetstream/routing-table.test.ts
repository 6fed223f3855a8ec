import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { EmbeddedNats } from '../../src/embedded/nats-server.ts';
import { startNatsServer } from '../../src/embedded/nats-server.ts';
import type { NatsLink } from '../../src/jetstream/connection.ts';
import { connectNats } from '../../src/jetstream/connection.ts';
import { RoutingTable } from '../../src/jetstream/routing-table.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { log } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';

const directory = uniqueDirectory('routing-nats');
const closing: (() => void | Promise<void>)[] = [];
let nats: EmbeddedNats;

async function start(port: number): Promise<void> {
  nats = await startNatsServer({ binary: inject('natsServer'), directory, port, serverName: 'routing', log });
}

async function open(): Promise<{ readonly link: NatsLink; readonly table: RoutingTable }> {
  const link = await connectNats({ url: nats.url, name: 'test', log });
  const table = await new RoutingTable({ link, replicas: undefined, log }).open();
  closing.push(
    () => table.close(),
    () => link.close(),
  );
  return { link, table };
}

beforeAll(() => start(0));
afterAll(async () => {
  for (const close of closing) await close();
  await nats.stop();
});

test('what is noted while NATS is away holds at once, and is told to all when it is back', async () => {
  const { link, table } = await open();
  const { port } = nats;
  await nats.stop();
  await waitUntil('the link is down', () => !link.connected);
  const at = new Date().toISOString();
  table.note({ key: 'takeover.1', value: true, by: 'test', at, reason: null });
  expect(table.current.takeovers).toEqual(new Map([[1, Date.parse(at)]]));
  await start(port);
  await waitUntil('it is stored', async () => (await open()).table.current.takeovers.has(1));
});
