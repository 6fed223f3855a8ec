import { afterAll, beforeAll, expect, it } from 'vitest';
import { measureDigests } from '../../src/digests/measure-digests.ts';
import { pruneEndedRequests } from '../../src/digests/prune-digests.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startWorker } from '../tasks/task-engine.ts';
import { digestOf, flush, saveProvider, submit, supervisor, untilRequest } from './digest-engine.ts';

let engine: TestEngine;
let stop: () => Promise<void>;
beforeAll(async () => {
  engine = await startEngine({ MAIL_FOLDER: uniqueDirectory('mailbox') });
  await engine.startScheduler();
  const foundation = await engine.another();
  stop = await startWorker(foundation, foundation.taskHandlers);
});
afterAll(async () => {
  await stop();
  await engine.stop();
});

const operator = actor('olga', 'operator');

/** All of the record seems older. */
async function age(days: number): Promise<void> {
  const pool = await engine.foundation.shard.pool();
  const shift = `- make_interval(days => ${days})`;
  await pool.query(
    `update requests set customer_notified_at = customer_notified_at ${shift}, cancelled_at = cancelled_at ${shift}`,
  );
  await pool.query(`update digests set sent_at = sent_at ${shift}, sealed_at = sealed_at ${shift}`);
}

it('counts digests by how they stand, and removes what ended long ago with all that belongs to it', async () => {
  const { foundation } = engine;
  const { services, shard } = foundation;
  await saveProvider(foundation, 'old');
  await saveProvider(foundation, 'new');
  const ended = await submit(foundation, 'old');
  const open = await submit(foundation, 'old');
  const digest = await digestOf(foundation, ended.id);
  await saveProvider(foundation, 'told');
  const taken = await submit(foundation, 'told');
  const toldDigest = await digestOf(foundation, taken.id);
  await Promise.all([digest, toldDigest].map(({ id }) => flush(foundation, id)));
  const responses = [{ requestId: ended.id, outcome: 'AVAILABLE' } as const];
  await services.respondToRequests(operator, { namespace: 'acme', responses });
  await untilRequest(foundation, ended.id, 'CUSTOMER_NOTIFIED');
  // Taken back, but its provider is told by a digest that has not gone.
  await services.cancelRequest(operator, { requestId: taken.id });
  await submit(foundation, 'new');
  const pool = await shard.pool();
  await pool.query(`update digests set window_end = window_end - interval '30 days' where recipient_id =
                      (select id from recipients where external_id = 'new')`);
  await services.pauseDigests(supervisor, { providerId: digest.recipientId, reason: 'on leave' });
  expect(await measureDigests(shard)).toEqual({
    open: 1,
    late: 1,
    held: 0,
    sealed: 0,
    sending: 0,
    failed: 0,
    bounced: 0,
    paused: 1,
    overdue: 0,
    uncertain: 0,
  });

  const before = await services.listDigests(operator, { namespace: 'acme', first: 10 });
  await age(3);
  // Too young by its id, whatever its times say.
  expect(await pruneEndedRequests(shard, 2)).toBe(false);
  expect((await services.findRequest(operator, ended.id)).id).toBe(ended.id);
  const later = Date.now() + 4 * 86_400_000;
  await pruneEndedRequests(shard, 2, later);
  await expect(services.findRequest(operator, ended.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  for (const { id } of [open, taken]) expect((await services.findRequest(operator, id)).id).toBe(id);
  // The answer's digest is empty now, and gone with its mail; the provider's holds an open request.
  const after = await services.listDigests(operator, { namespace: 'acme', first: 10 });
  const gone = before.edges.filter(({ node }) => !after.edges.some((edge) => edge.node.id === node.id));
  expect(gone.map(({ node }) => node.direction)).toEqual(['TO_CUSTOMER']);
  const goneId = gone[0]!.node.id;
  const left = await pool.query(
    `select (select count(*)::integer from mails where about_id = $1) as mails,
            (select count(*)::integer from digest_mails where digest_id = $1) as parts,
            (select count(*)::integer from digest_items where request_id = $2) as items,
            (select count(*)::integer from events where item_id in ($1, $2)) as events`,
    [goneId, ended.id],
  );
  expect(left.rows).toEqual([{ mails: 0, parts: 0, items: 0, events: 0 }]);
  expect((await services.findDigest(operator, digest.id)).status).toBe('SENT');
  expect(
    (await services.listMails(operator, { namespace: 'acme', first: 9, filter: { aboutId: digest.id } })).edges,
  ).toHaveLength(1);
});
