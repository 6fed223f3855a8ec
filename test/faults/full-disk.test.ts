import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { NewItem } from '../../src/client/queue-client.ts';
import { CaseloadError, QueueClient } from '../../src/client/queue-client.ts';
import { limits } from '../../src/domain/limits.ts';
import type { EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { actor } from '../support/engine.ts';
import { canLimitFiles, limitFiles } from '../support/file-size.ts';
import { isLongForm, limitTime } from '../support/long-form.ts';
import { uniqueDirectory } from '../support/servers.ts';
import type { RunningProgram } from '../support/system.ts';
import { log, TestSystem } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';

limitTime();

const namespace = 'acme';
const directory = uniqueDirectory('full-postgres');
/** Payloads of 60 KB lie in a file of their own, which reaches this size first; a segment of the log is as large. */
const fileBytes = 16 * 1_024 * 1_024;
const payloadBytes = 60_000;
const itemsPerCall = 11;
/** JetStream's code for a store without room. */
const storageExceeded = 10_023;
const callsAtOnce = 4;
const roundsMax = 20;

let postgres: EmbeddedPostgres;
let system: TestSystem;
let gateway: RunningProgram;
let database: Client;
let queue: QueueClient;

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ directory, port: 0, log });
  system = await TestSystem.start(await postgres.ensureDatabase('caseload'));
  gateway = await system.runGateway();
  await system.runScheduler();
  const token = await issueToken({
    subject: 'program',
    namespace,
    roles: ['producer', 'consumer'],
    secret: system.authSecret,
    expiresInSeconds: 3_600,
  });
  queue = new QueueClient({ url: gateway.url, token, namespace, retryMs: 0 });
  await openDatabase();
});
afterAll(async () => {
  await database.end();
  await system.close();
  await postgres.stop();
  await removePostgresHome(directory);
});

async function openDatabase(): Promise<void> {
  database = new Client({ connectionString: system.databaseUrl });
  database.on('error', () => undefined); // one test kills its server
  await database.connect();
}

function makeItems(topic: string, count: number, bytes: number): NewItem[] {
  return Array.from({ length: count }, () => ({ topic, payload: randomBytes(bytes) }));
}

/** Enqueues a call's worth. @returns the ids, or why it was refused */
async function enqueue(items: readonly NewItem[], idempotencyKey: string): Promise<readonly string[] | CaseloadError> {
  try {
    const results = await queue.enqueue(items, { idempotencyKey });
    return results.flatMap((result) => (result.status === 'enqueued' ? [result.id] : []));
  } catch (error) {
    if (error instanceof CaseloadError) return error;
    throw error;
  }
}

async function readIds(text: string, values: readonly unknown[]): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(text, values as unknown[]);
  return rows.map(({ id }) => id).sort();
}

const openItems = (topic: string) =>
  readIds('select i.id from items i join topics t on t.id = i.topic_id where t.name = $1', [topic]);
const enqueuedItems = (topic: string) =>
  readIds(
    "select e.item_id as id from item_events e join topics t on t.id = e.topic_id where t.name = $1 and type = 'ENQUEUED'",
    [topic],
  );

/** Takes and ends all of a topic. @returns their ids */
async function drain(topic: string): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const items = await queue.dequeue([{ topic, count: 50 }], { waitMs: 200 });
    if (items.length === 0) return ids.sort();
    expect(await queue.ack(items)).toEqual(items.map(() => true));
    ids.push(...items.map(({ id }) => id));
  }
}

describe.runIf(canLimitFiles)('a full disk of PostgreSQL', () => {
  test('refuses what needs room and changes nothing of it, while items can be taken and ended', async () => {
    const topic = 'heavy';
    const accepted: string[] = [];
    let refusal: CaseloadError | undefined;
    let refusedItems: NewItem[] = [];
    const refusedKeys: string[] = [];
    await limitFiles(postgres.pid, fileBytes);
    for (let round = 0; round < roundsMax && refusal === undefined; round++) {
      const calls = Array.from({ length: callsAtOnce }, async (_, n) => {
        const items = makeItems(topic, itemsPerCall, payloadBytes);
        const key = `call-${round}-${n}`;
        const answer = await enqueue(items, key);
        if (!(answer instanceof CaseloadError)) return void accepted.push(...answer);
        refusal = answer;
        refusedItems = items;
        refusedKeys.push(key);
      });
      await Promise.all(calls);
    }
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE', message: 'The record has no room left', retryAfterMs: 5_000 });
    expect(accepted.length).toBeGreaterThan(100);
    expect(await readIds('select key as id from idempotency_keys where key = any ($1)', [refusedKeys])).toEqual([]);
    expect(await openItems(topic)).toEqual(accepted.toSorted());
    expect(await enqueuedItems(topic)).toEqual(accepted.toSorted());
    // What is there goes on: a full queue is emptied.
    const [first] = await queue.dequeue([{ topic, count: 1 }]);
    expect(await queue.ack([first!])).toEqual([true]);

    await limitFiles(postgres.pid, 'unlimited');
    const again = await enqueue(refusedItems, 'after');
    expect(again).toHaveLength(itemsPerCall);
    const rest = accepted.filter((id) => id !== first!.id).concat(again as string[]);
    expect(await drain(topic)).toEqual(rest.sort());
  });

  test.runIf(isLongForm)('stops it where it cannot write its log; nothing acknowledged is lost', async () => {
    const topic = 'logged';
    const accepted = (await enqueue(makeItems(topic, 10, 100), 'before')) as string[];
    await limitFiles(postgres.pid, 1_024);
    await expect(enqueue(makeItems(topic, 10, 100), 'while')).resolves.toMatchObject({ code: 'UNAVAILABLE' });
    await postgres.exited;
    await expect(enqueue(makeItems(topic, 10, 100), 'while')).resolves.toMatchObject({ code: 'UNAVAILABLE' });
    await postgres.stop();
    postgres = await startEmbeddedPostgres({ directory, port: postgres.port, log });
    await openDatabase();
    await waitUntil('the shard is back', () => gateway.foundation.shard.available);
    expect(await openItems(topic)).toEqual(accepted.toSorted());
    expect(await drain(topic)).toEqual(accepted.toSorted());
  });
});

describe('a full disk of NATS', () => {
  test('is slow, not broken: rows are taken and handed out without tickets, and all is well with room again', async () => {
    const topic = 'ticketless';
    await system.stopNats();
    await system.startNats({ wipe: false, storeBytesMax: 65_536 });
    await waitUntil('streams are there again', async () => (await countQueueMessages()) !== undefined);
    const accepted: string[] = [];
    for (let call = 0; call < 4; call++)
      accepted.push(...((await enqueue(makeItems(topic, 200, 10), `call-${topic}-${call}`)) as string[]));
    expect(accepted).toHaveLength(800);
    await waitUntil('the store is full', isStoreFull);
    const taken = await queue.dequeue([{ topic, count: 300 }]);
    expect(taken).toHaveLength(300);
    expect(await queue.ack(taken)).toEqual(taken.map(() => true));

    await system.stopNats();
    await system.startNats({ wipe: false });

    await waitUntil('the topic has a ticket', async () => ((await countQueueMessages()) ?? 0) > 0);
    const rest = await drain(topic);
    expect([...taken.map(({ id }) => id), ...rest].sort()).toEqual(accepted.toSorted());
  });
});

test('a full buffer refuses at once what it cannot take, and what it took is done', async () => {
  const { services } = gateway.foundation;
  const producer = actor('producer', 'producer');
  const enqueueOne = (topic: string) =>
    services.enqueue(producer, { namespace, items: [{ topic, payload: Buffer.alloc(1) }] }).then(
      (result) =>
        result.kind === 'enqueued' && result.results[0]?.kind === 'enqueued' ? result.results[0].item.id : result,
      (error: unknown) => error,
    );
  const first = await enqueueOne('buffered');
  const blocker = new Client({ connectionString: system.databaseUrl });
  await blocker.connect();
  await blocker.query('begin; lock table items in share mode');
  const startedAt = performance.now();
  let refusedAt = 0;
  const answers = await Promise.all(
    Array.from({ length: limits.batchBuffer + 2_000 }, async (_, n) => {
      const answer = await enqueueOne('buffered');
      if (typeof answer !== 'string') refusedAt = performance.now();
      // The last refusal is the sign that the buffer is full: now it may be emptied.
      if (n === limits.batchBuffer + 1_999) await blocker.query('commit');
      return answer;
    }),
  );
  await blocker.end();
  const accepted = answers.filter((answer) => typeof answer === 'string');
  const refused = answers.filter((answer) => typeof answer !== 'string');
  expect(accepted.length).toBeGreaterThanOrEqual(limits.batchBuffer);
  expect(refused.length).toBeGreaterThan(1_000);
  for (const fault of refused) expect(fault).toMatchObject({ code: 'BACKPRESSURE', retryAfterMs: expect.any(Number) });
  expect(refusedAt - startedAt).toBeLessThan(1_000);
  expect(await openItems('buffered')).toEqual([first, ...accepted].sort());
});

/** Tickets in the stream; undefined while there is none. */
async function countQueueMessages(): Promise<number | undefined> {
  const link = await system.link();
  if (!link.connected) return undefined;
  try {
    const answer = await link.connection!.request('$JS.API.STREAM.INFO.QUEUE', '', { timeout: 2_000 });
    return answer.json<{ state?: { messages: number } }>().state?.messages;
  } catch {
    return undefined; // it is being connected again
  }
}

/** Whether NATS refuses to store anything more; before that it keeps what is no event of ours, which readers must pass over. */
async function isStoreFull(): Promise<boolean> {
  const link = await system.link();
  if (!link.connected) return false;
  const answer = await link.connection!.request('events.probe', 'x'.repeat(1_000), { timeout: 2_000 });
  const body = answer.json<{ error?: { err_code: number } }>();
  return body.error?.err_code === storageExceeded;
}
