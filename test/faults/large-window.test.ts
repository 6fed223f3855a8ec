import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestOf, readMails, saveProvider, submit, supervisor } from '../digests/digest-engine.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { limitTime, size } from '../support/long-form.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorker } from '../tasks/task-engine.ts';

limitTime();

const count = size(2_500, 100_000);
const folder = uniqueDirectory('large-window');
let engine: TestEngine;
let stop: () => Promise<void>;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  engine = await startEngine({ MAIL_FOLDER: folder });
  await engine.startScheduler();
  const worker = await engine.another();
  stop = await startWorker(worker, worker.taskHandlers);
});
afterAll(async () => {
  await stop();
  await engine.stop();
});

it('a window with very many requests is sealed and sent in parts, each request in exactly one', async () => {
  const { foundation } = engine;
  await saveProvider(foundation, 'large', { itemsPerMail: 500 });
  const first = await submit(foundation, 'large');
  const { id } = await digestOf(foundation, first.id);
  const pool = await foundation.shard.pool();
  for (let laidOut = 1; laidOut < count; laidOut += 2_500)
    await pool.query(
      `with fresh as materialized (select sibling_id($1) as id from generate_series(1, $2::integer)
       ), request_rows as (
         insert into requests (id, namespace, customer_id, provider_id, item_external_id, quantity, answer_within_days,
                               submitted_by, submitted_at, follow_up_at)
         select f.id, r.namespace, r.customer_id, r.provider_id, 'item', 1, 3, 'paul', r.submitted_at, r.follow_up_at
           from fresh f cross join requests r where r.id = $1
       )
       insert into digest_items (request_id, kind, digest_id) select id, 'REQUEST', $3 from fresh`,
      [first.id, Math.min(2_500, count - laidOut), id],
    );
  await foundation.services.flushDigest(supervisor, { digestId: id });
  await waitUntil(
    'sent',
    async () => (await foundation.services.digestStore.getDigest(id)).status === 'SENT',
    size(25_000, 400_000),
  );
  const digest = await foundation.services.digestStore.getDigest(id);
  expect(digest).toMatchObject({ itemCount: count, parts: count / 500, number: 1 });
  const mails = await readMails(folder);
  expect(mails).toHaveLength(count / 500);
  expect(mails.reduce((sum, mail) => sum + (mail.text?.match(/^- /gm)?.length ?? 0), 0)).toBe(count);
  const { rows } = await pool.query<{ notified: number }>(
    `select count(*)::integer as notified from requests where notified_at is not null`,
  );
  expect(rows[0]!.notified).toBe(count);
});
