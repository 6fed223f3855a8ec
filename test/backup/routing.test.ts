import { afterAll, expect, it } from 'vitest';
import { restoreRouting, saveRouting } from '../../src/backup/routing.ts';
import { connectNats } from '../../src/jetstream/connection.ts';
import { RoutingTable } from '../../src/jetstream/routing-table.ts';
import type { RouteChange } from '../../src/shards/routing.ts';
import { startTestNats } from '../support/servers.ts';
import { log } from '../support/system.ts';

const closing: (() => void | Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

/** The table of a NATS of its own. */
async function openTable(): Promise<RoutingTable> {
  const nats = await startTestNats();
  const link = await connectNats({ url: nats.url, name: 'test', log });
  const table = await new RoutingTable({ link, replicas: undefined, log }).open();
  closing.push(
    () => nats.stop(),
    () => link.close(),
    () => table.close(),
  );
  return table;
}

function change(minute: number, key: string, value: RouteChange['value']): RouteChange {
  return { key, value, by: 'olga', at: `2026-11-20T10:0${minute}:00.000Z`, reason: `reason ${minute}` };
}

const route = [change(0, 'route.eu', ['us', 'eu']), change(2, 'route.eu', ['eu', 'us'])];
const drain = change(1, 'drain.1', true);

it('the routing table comes back with who changed it, when and why, and never over a newer one', async () => {
  const [before, empty, newer] = await Promise.all([openTable(), openTable(), openTable()]);
  for (const one of [route[0]!, drain, route[1]!]) await before.set(one);
  const saved = await saveRouting(before);
  expect(saved).toEqual([route[0], drain, route[1]]);

  expect(await restoreRouting(empty, saved)).toBe(2);
  expect(await empty.changes()).toEqual([route[1], drain, route[0]]);
  expect(empty.current.routes.get('eu')).toEqual(['eu', 'us']);
  expect(empty.current.drained).toEqual(new Set([1]));
  expect(await restoreRouting(empty, saved)).toBe(0);

  const since = change(5, 'drain.1', false);
  await newer.set(since);
  expect(await restoreRouting(newer, saved)).toBe(1);
  expect(newer.current.drained).toEqual(new Set());
  expect(await newer.changes()).toEqual([since, route[1], route[0]]);
});
