import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorker } from '../tasks/task-engine.ts';
import {
  digestOf,
  flush,
  producer,
  readMails,
  saveProvider,
  submit,
  supervisor,
  timelineOf,
  untilDigest,
  untilRequest,
} from './digest-engine.ts';

const folder = uniqueDirectory('mail');
let engine: TestEngine;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  engine = await startEngine({ MAIL_FOLDER: folder });
  await engine.startScheduler();
  // Two workers: whatever both may do is done once.
  for (let worker = 0; worker < 2; worker++) {
    const foundation = await engine.another();
    stops.push(await startWorker(foundation, foundation.taskHandlers));
  }
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await engine.stop();
});

const services = () => engine.foundation.services;
const mailsTo = async (name: string) =>
  (await readMails(folder)).filter((mail) => mail.to?.[0]?.address === `${name}@example.com`);
const customer = (name: string) => ({ customer: { externalId: name, email: `${name}@example.com` } });

/** Runs what is due of a digest's follow-ups as if so many days had passed. */
async function passFollowUp(digestId: string): Promise<void> {
  const pool = await engine.foundation.shard.pool();
  await pool.query(
    `update requests r set follow_up_at = clock_timestamp() from digest_items i
      where i.request_id = r.id and i.digest_id = $1 and i.kind = 'REQUEST' and r.follow_up_at is not null`,
    [digestId],
  );
  await pool.query(`select add_digest_task($1, 'digest-follow-up', $2, null, 5)`, [digestId, { digestId }]);
}

describe.concurrent('a request', () => {
  it('goes to its provider in one mail, is answered, and its customer is told', async () => {
    await saveProvider(engine.foundation, 'whole', { name: 'Whole & Sale <Ltd>' });
    const requests = [];
    for (const index of [1, 2, 3])
      requests.push(
        await submit(engine.foundation, 'whole', {
          ...customer('whole-customer'),
          item: { externalId: `item-${index}`, description: '<b>bold</b>', quantity: index },
        }),
      );
    const open = await digestOf(engine.foundation, requests[0]!.id);
    const before = await services().previewDigest(producer, open.id, 1);
    expect(before).toMatchObject({ isFinal: false, to: 'whole@example.com', parts: 1 });
    expect(before.html).toContain('&lt;b&gt;bold');
    const sent = await flush(engine.foundation, open.id);
    expect(sent).toMatchObject({ number: 1, itemCount: 3, parts: 1 });
    const mails = await mailsTo('whole');
    expect(mails).toHaveLength(1);
    expect(mails[0]!.text).toContain('3 x item-3');
    expect(mails[0]!.text).toMatch(/http:\/\/127\.0\.0\.1:\d+\/answer\/[0-9a-f-]{36}\/1\//);
    expect(await services().previewDigest(producer, open.id, 1)).toMatchObject({
      isFinal: true,
      subject: mails[0]!.subject,
    });
    expect((await services().findRequest(producer, requests[0]!.id)).status).toBe('NOTIFIED');

    const whole = actor('whole', 'provider');
    const responses = [
      { requestId: requests[0]!.id, outcome: 'AVAILABLE' as const, note: 'ships\ntomorrow' },
      { requestId: requests[1]!.id, outcome: 'UNAVAILABLE' as const },
      { requestId: sent.id, outcome: 'AVAILABLE' as const },
    ];
    const results = await services().respondToRequests(whole, { namespace: 'acme', responses });
    expect(results.map((result) => result.kind)).toEqual(['answered', 'answered', 'requestUnknown']);
    await untilRequest(engine.foundation, requests[0]!.id, 'CUSTOMER_NOTIFIED');
    const told = await mailsTo('whole-customer');
    expect(told).toHaveLength(1); // both answers, in one mail
    expect(told[0]!.text).toContain('available');
    expect(told[0]!.text).toContain('ships');
    expect(told[0]!.text).toContain('from Whole & Sale <Ltd>, request');
    expect(told[0]!.html).toContain('from Whole &amp; Sale &lt;Ltd&gt;');
    // Nobody gave the customer's name, and an id is none.
    expect(told[0]!.text).toMatch(/^Hello,/);
    expect(told[0]!.html).toContain('<p>Hello,</p>');
    expect(await timelineOf(engine.foundation, requests[0]!.id)).toEqual([
      'RECEIVED',
      'IN_DIGEST',
      'NOTIFIED',
      'ANSWERED',
      'CUSTOMER_NOTIFIED',
    ]);
    // The same answer again is fine, another one is not.
    const again = await services().respondToRequests(whole, {
      namespace: 'acme',
      responses: [responses[0]!, { requestId: requests[1]!.id, outcome: 'AVAILABLE' }],
    });
    expect(again.map((result) => result.kind)).toEqual(['answered', 'alreadyAnswered']);
    expect(await mailsTo('whole-customer')).toHaveLength(1);
    // Nobody else's provider may answer.
    await saveProvider(engine.foundation, 'stranger');
    const stranger = await services().respondToRequests(actor('stranger', 'provider'), {
      namespace: 'acme',
      responses: [{ requestId: requests[2]!.id, outcome: 'AVAILABLE' }],
    });
    expect(stranger).toEqual([{ kind: 'requestUnknown', requestId: requests[2]!.id }]);
  });

  it('that is answered before its digest leaves is not asked any more', async () => {
    await saveProvider(engine.foundation, 'quick');
    const [first, second] = [await submit(engine.foundation, 'quick'), await submit(engine.foundation, 'quick')];
    const { id } = await digestOf(engine.foundation, first.id);
    await services().respondToRequests(supervisor, {
      namespace: 'acme',
      responses: [{ requestId: first.id, outcome: 'AVAILABLE' }],
    });
    expect(await flush(engine.foundation, id)).toMatchObject({ itemCount: 1 });
    expect((await services().digestStore.itemsOf(id, null, null, 10)).map((item) => item.requestId)).toEqual([
      second.id,
    ]);
  });

  it('can be taken back: before it was sent it leaves its digest, afterwards it goes as cancelled', async () => {
    await saveProvider(engine.foundation, 'fickle');
    const [first, second] = [await submit(engine.foundation, 'fickle'), await submit(engine.foundation, 'fickle')];
    const { id } = await digestOf(engine.foundation, first.id);
    await services().cancelRequest(producer, { requestId: first.id, reason: 'changed my mind' });
    await flush(engine.foundation, id);
    const result = await services().cancelRequest(producer, { requestId: second.id });
    expect(result).toMatchObject({ kind: 'done', request: { status: 'CANCELLED' } });
    expect(await services().cancelRequest(producer, { requestId: second.id })).toEqual({
      kind: 'refused',
      status: 'CANCELLED',
    });
    const { edges } = await services().listDigests(producer, {
      namespace: 'acme',
      first: 10,
      filter: { recipientExternalId: 'fickle', status: ['OPEN'] },
    });
    await flush(engine.foundation, edges[0]!.node.id);
    const mails = await mailsTo('fickle');
    expect(mails.map((mail) => mail.text?.includes('Taken back'))).toEqual([false, true]);
    const late = { namespace: 'acme', responses: [{ requestId: second.id, outcome: 'AVAILABLE' as const }] };
    expect(await services().respondToRequests(supervisor, late)).toEqual([
      { kind: 'requestOver', status: 'CANCELLED' },
    ]);
  });

  it('that nobody answers is followed up: the customer told, the provider reminded, then closed', async () => {
    await saveProvider(engine.foundation, 'silent', { followUp: { reminders: 2, everyDays: 1 } });
    const [open, answered] = [
      await submit(engine.foundation, 'silent', customer('patient')),
      await submit(engine.foundation, 'silent', customer('content')),
    ];
    const { id, jobId } = await digestOf(engine.foundation, open.id);
    await flush(engine.foundation, id);
    const tasks = await services().taskStore.tasksOf(jobId);
    const followUp = tasks.find((task) => task.kind === 'digest-follow-up');
    expect(followUp).toMatchObject({ status: 'SCHEDULED', nextRunAt: open.followUpAt });
    await services().respondToRequests(supervisor, {
      namespace: 'acme',
      responses: [{ requestId: answered.id, outcome: 'DELAYED' }],
    });
    await passFollowUp(id);
    await untilRequest(engine.foundation, open.id, 'OVERDUE');
    await waitUntil('the customer is told', async () => (await mailsTo('patient')).length === 1);
    expect((await mailsTo('patient'))[0]!.text).toContain('No answer yet');
    await passFollowUp(id);
    await waitUntil(
      'reminded twice',
      async () => (await timelineOf(engine.foundation, open.id)).filter((type) => type === 'REMINDED').length === 2,
    );
    await passFollowUp(id);
    const closed = await untilRequest(engine.foundation, open.id, 'CLOSED');
    expect(closed).toMatchObject({ endReason: 'It was not answered', followUpAt: null });
    await waitUntil('the customer is told', async () => (await mailsTo('patient')).length === 2);
    // The reminders waited in the provider's window, and went with the request that was closed.
    const { edges } = await services().listDigests(producer, {
      namespace: 'acme',
      first: 10,
      filter: { recipientExternalId: 'silent', status: ['OPEN'] },
    });
    expect(edges.map((edge) => edge.node.itemCount)).toEqual([0]);
    expect(await timelineOf(engine.foundation, answered.id)).not.toContain('FOLLOWED_UP');
  });
});

describe.concurrent('a window', () => {
  it('ends by itself, and sends one mail with all that came', async () => {
    await saveProvider(engine.foundation, 'ticking', { window: { every: 'PT3S' } });
    const ids = new Set<string>();
    for (let index = 0; index < 5; index++)
      ids.add((await digestOf(engine.foundation, (await submit(engine.foundation, 'ticking')).id)).id);
    for (const id of ids) await untilDigest(engine.foundation, id, 'SENT');
    expect(await mailsTo('ticking')).toHaveLength(ids.size);
  });

  it('with more than a mail may hold goes in numbered parts', async () => {
    await saveProvider(engine.foundation, 'parts', { itemsPerMail: 2 });
    const requests = await Promise.all([1, 2, 3, 4, 5].map(() => submit(engine.foundation, 'parts')));
    const { id } = await digestOf(engine.foundation, requests[0]!.id);
    expect(await flush(engine.foundation, id)).toMatchObject({ parts: 3 });
    const mails = await mailsTo('parts');
    expect(mails.map((mail) => /part \d of 3/.exec(mail.subject ?? '')?.[0])).toEqual([
      'part 1 of 3',
      'part 2 of 3',
      'part 3 of 3',
    ]);
    expect(mails.map((mail) => mail.text?.match(/^- /gm)?.length)).toEqual([2, 2, 1]);
  });

  it('without content sends nothing', async () => {
    await saveProvider(engine.foundation, 'empty');
    const request = await submit(engine.foundation, 'empty');
    const { id } = await digestOf(engine.foundation, request.id);
    await services().cancelRequest(producer, { requestId: request.id });
    await services().flushDigest(supervisor, { digestId: id });
    await untilDigest(engine.foundation, id, 'SKIPPED');
    expect(await mailsTo('empty')).toEqual([]);
  });

  it('is sealed once, however many seal it', async () => {
    await saveProvider(engine.foundation, 'raced');
    const requests = await Promise.all(Array.from({ length: 20 }, () => submit(engine.foundation, 'raced')));
    const { id } = await digestOf(engine.foundation, requests[0]!.id);
    const pool = await engine.foundation.shard.pool();
    await pool.query(`update digests set window_end = clock_timestamp() where id = $1`, [id]);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const result = await pool.query<{ outcome: string }>(`select outcome from seal_digest($1, 'acme')`, [id]);
        return result.rows[0]!.outcome;
      }),
    );
    expect(outcomes.sort()).toEqual(['done', 'done', 'done', 'done', 'done', 'done', 'done', 'sealed']);
    await untilDigest(engine.foundation, id, 'SENT');
    expect(await mailsTo('raced')).toHaveLength(1);
  });

  it('can be skipped: what it holds, and what still comes, goes with the next', async () => {
    await saveProvider(engine.foundation, 'skipping');
    const first = await submit(engine.foundation, 'skipping');
    const skipped = await digestOf(engine.foundation, first.id);
    const result = await services().skipDigest(supervisor, { digestId: skipped.id, reason: 'holidays' });
    expect(result).toMatchObject({ kind: 'done', digest: { status: 'SKIPPED' } });
    const second = await submit(engine.foundation, 'skipping');
    const next = await digestOf(engine.foundation, second.id);
    expect(next).toMatchObject({ status: 'OPEN', windowStart: skipped.windowEnd, itemCount: 2 });
    expect(await services().skipDigest(supervisor, { digestId: skipped.id })).toEqual({
      kind: 'refused',
      status: 'SKIPPED',
    });
  });

  it('waits while its provider is paused, and goes when it is let go: as one mail, or one each', async () => {
    for (const [name, catchUp, mails] of [
      ['merging', 'MERGE', 1],
      ['single', 'EACH', 2],
    ] as const) {
      const provider = await saveProvider(engine.foundation, name, { catchUp });
      await services().pauseDigests(supervisor, { providerId: provider.id, reason: 'stocktaking' });
      const first = await submit(engine.foundation, name);
      const one = await digestOf(engine.foundation, first.id);
      await services().flushDigest(supervisor, { digestId: one.id });
      await waitUntil('held', async () => (await services().digestStore.getDigest(one.id)).held);
      const second = await submit(engine.foundation, name);
      const two = await digestOf(engine.foundation, second.id);
      expect(two.id).not.toBe(one.id);
      await services().flushDigest(supervisor, { digestId: two.id });
      await waitUntil('held', async () => (await services().digestStore.getDigest(two.id)).held);
      const stopped = await services().listProviders(supervisor, { namespace: 'acme', first: 10, stopped: true });
      expect(stopped.edges.map((edge) => [edge.node.externalId, edge.node.pause?.reason])).toEqual([
        [name, 'stocktaking'],
      ]);
      await services().resumeDigests(supervisor, { providerId: provider.id });
      await untilRequest(engine.foundation, first.id, 'NOTIFIED');
      await untilRequest(engine.foundation, second.id, 'NOTIFIED');
      expect(await mailsTo(name)).toHaveLength(mails);
    }
  });

  it('can be sent again', async () => {
    await saveProvider(engine.foundation, 'again');
    const request = await submit(engine.foundation, 'again');
    const { id } = await digestOf(engine.foundation, request.id);
    expect(await services().resendDigest(supervisor, { digestId: id })).toEqual({ kind: 'refused', status: 'OPEN' });
    const { jobId } = await flush(engine.foundation, id);
    // Jobs may be removed some time after their tasks have ended.
    const pool = await engine.foundation.shard.pool();
    await pool.query('delete from jobs where id = $1', [jobId]);
    await services().resendDigest(supervisor, { digestId: id, reason: 'lost' });
    expect(await services().findJob(supervisor, jobId)).toMatchObject({ kind: 'digest', externalId: id });
    await waitUntil('sent again', async () => (await mailsTo('again')).length === 2);
    await untilDigest(engine.foundation, id, 'SENT');
    expect(await timelineOf(engine.foundation, id)).toEqual(['OPENED', 'FLUSHED', 'SEALED', 'SENT', 'RESENT', 'SENT']);
    expect((await timelineOf(engine.foundation, request.id)).filter((type) => type === 'NOTIFIED')).toHaveLength(1);
  });

  it('is for supervisors and operators to act on', async () => {
    await saveProvider(engine.foundation, 'guarded');
    const { id } = await digestOf(engine.foundation, (await submit(engine.foundation, 'guarded')).id);
    await expect(services().flushDigest(producer, { digestId: id })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const stranger = { ...supervisor, namespace: 'other' };
    await expect(services().flushDigest(stranger, { digestId: id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(services().previewDigest(stranger, id, 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
