import { connect } from 'nats';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { createDatabase, natsUrl, startTestNats } from '../support/servers.ts';

async function query(url: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test('a database can be copied from a template, and dropped while it is in use', async () => {
  const template = await createDatabase();
  await query(template.url, 'create table note (text text)');
  const copy = await createDatabase({ template: template.name });
  expect(await query(copy.url, 'select * from note')).toEqual([]);
  const guest = new Client({ connectionString: copy.url });
  guest.on('error', () => undefined);
  await guest.connect();
  const ended = new Promise((resolve) => guest.once('end', resolve));
  await copy.drop();
  await ended;
  await template.drop();
  await expect(query(copy.url, 'select 1')).rejects.toThrow(/does not exist/);
});

test('the database speaks UTF-8, keeps time in UTC and writes to disk', async () => {
  const database = await createDatabase();
  const [row] = await query(
    database.url,
    "select current_setting('server_encoding') encoding, current_setting('timezone') zone, current_setting('fsync') fsync, lower('ÄΩ') lowered",
  );
  expect(row).toEqual({ encoding: 'UTF8', zone: 'UTC', fsync: 'on', lowered: 'äω' });
  await database.drop();
});

test('a nats-server of its own is another one than the shared one', async () => {
  const own = await startTestNats();
  const connections = await Promise.all([own.url, natsUrl()].map((servers) => connect({ servers })));
  const names = connections.map((connection) => connection.info?.server_name);
  expect(new Set(names).size).toBe(2);
  await Promise.all(connections.map((connection) => connection.close()));
  await own.stop();
});
