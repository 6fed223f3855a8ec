import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSchedule } from '../../src/domain/schedule/parse-schedule.ts';
import { windowAt } from '../../src/domain/schedule/window-at.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, bob, startEngine } from '../support/engine.ts';
import { addDays } from './count-days.ts';
import { producer, saveProvider, submit, supervisor } from './digest-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const page = { namespace: 'acme', first: 100 } as const;

describe('upsertProvider', () => {
  it('makes a provider and changes it; a changed schedule holds from the next window on', async () => {
    const made = await saveProvider(engine.foundation, 'changing', { window: { every: 'PT4H' } });
    expect(made).toMatchObject({ version: 1, catchUp: 'MERGE', itemsPerMail: 100, pause: null, bounce: null });
    const same = await saveProvider(engine.foundation, 'changing', { window: { every: 'PT4H' }, name: 'Changing Ltd' });
    expect(same).toMatchObject({ id: made.id, version: 2, name: 'Changing Ltd', windows: { since: null } });
    const running = windowAt(made.windows!.schedule, Date.now());
    const changed = await saveProvider(engine.foundation, 'changing', { window: { cron: '0 8 * * *' } });
    expect(changed.windows).toMatchObject({
      since: running.end,
      schedule: { rhythm: { kind: 'cron' } },
      previous: { rhythm: { kind: 'interval' } },
    });
    const request = await submit(engine.foundation, 'changing');
    const digest = await services().digestStore.digestOf(request.id, 'REQUEST');
    expect(digest).toMatchObject({ windowStart: new Date(running.start), windowEnd: new Date(running.end) });
  });

  it.each([
    ['a bad zone', { timeZone: 'Nowhere' }, 'input.timeZone'],
    ['no rhythm', { window: {} }, 'input.window'],
    ['no address', { email: 'nobody' }, 'input.email'],
    ['an empty name', { externalId: ' ' }, 'input.externalId'],
    ['too much for a mail', { itemsPerMail: 501 }, 'input.itemsPerMail'],
    ['endless reminders', { followUp: { reminders: 11 } }, 'input.followUp.reminders'],
  ])('refuses %s', async (_what, more, field) => {
    await expect(saveProvider(engine.foundation, 'bad', more)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('is for producers and supervisors', async () => {
    const input = { namespace: 'acme', externalId: 'x', email: 'x@example.com', window: { every: 'PT4H' } };
    await expect(services().upsertProvider(bob, input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services().upsertProvider(producer, { ...input, namespace: 'other' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });
});

describe('submitRequest', () => {
  it('answers with what the record says, and puts the request into the open digest', async () => {
    await saveProvider(engine.foundation, 'P22');
    const before = Date.now();
    const request = await submit(engine.foundation, 'P22', {
      customer: { externalId: 'c-9', email: 'c9@example.com', name: 'Nine', timeZone: 'America/New_York' },
      answerWithinDays: 5,
    });
    expect(await services().findRequest(producer, request.id)).toEqual(request);
    expect(request).toMatchObject({ status: 'RECEIVED', providerExternalId: 'P22', customer: { name: 'Nine' } });
    expect(request.followUpAt!.getTime()).toBe(addDays('America/New_York', request.submittedAt.getTime(), 5, false));
    const digest = (await services().digestStore.digestOf(request.id, 'REQUEST'))!;
    const window = windowAt(parseSchedule('Europe/Vienna', { every: 'P7D' }, null), before);
    expect(digest).toMatchObject({
      status: 'OPEN',
      direction: 'TO_PROVIDER',
      itemCount: 1,
      windowStart: new Date(window.start),
      windowEnd: new Date(window.end),
    });
    // The window is an item on the engine, due when it ends.
    const job = await services().taskStore.tasksOf(digest.jobId);
    expect(job).toMatchObject([
      { kind: 'digest-seal', status: 'SCHEDULED', nextRunAt: new Date(window.end), payload: { digestId: digest.id } },
    ]);
    const history = await services().digestHistory(request.id, 10, null);
    expect(history.events).toMatchObject([{ type: 'RECEIVED', actor: 'paul' }]);
  });

  it('makes one digest of one window, however many come at once and from however many processes', async () => {
    await saveProvider(engine.foundation, 'busy');
    const other = await engine.another();
    const requests = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        submit(index % 2 === 0 ? engine.foundation : other, 'busy', {
          customer: { externalId: `c-${index % 7}`, email: `c-${index % 7}@example.com` },
        }),
      ),
    );
    const { edges } = await services().listDigests(producer, { ...page, filter: { recipientExternalId: 'busy' } });
    expect(edges.map((edge) => edge.node.itemCount)).toEqual([300]);
    const items = await services().digestStore.itemsOf(edges[0]!.node.id, null, null, 1_000);
    expect(items.map((item) => item.requestId)).toEqual(requests.map((request) => request.id).sort());
    const customers = await services().listCustomers(producer, page);
    expect(customers.edges.filter((edge) => /^c-[0-6]$/.test(edge.node.externalId))).toHaveLength(7);
  });

  it('sends the first item of a window at once where the provider wants that', async () => {
    await saveProvider(engine.foundation, 'eager', { firstItem: 'AT_ONCE' });
    const first = await submit(engine.foundation, 'eager');
    const ahead = (await services().digestStore.digestOf(first.id, 'REQUEST'))!;
    expect(ahead.atOnce).toBe(true);
    expect(ahead.windowEnd.getTime() - Date.now()).toBeLessThan(1_000);
  });

  it('gives the same request for the same key and input, and refuses another input', async () => {
    await saveProvider(engine.foundation, 'keyed');
    const requests = await Promise.all(
      Array.from({ length: 6 }, () => submit(engine.foundation, 'keyed', { idempotencyKey: 'k-1' })),
    );
    expect(new Set(requests.map((request) => request.id)).size).toBe(1);
    const other = { idempotencyKey: 'k-1', item: { externalId: 'other' } };
    await expect(submit(engine.foundation, 'keyed', other)).rejects.toThrow('idempotencyConflict');
  });

  it('gives one customer the request when a key is used for two at the same moment, and touches no other', async () => {
    await saveProvider(engine.foundation, 'twins');
    const other = await engine.another();
    for (let round = 0; round < 4; round++) {
      const ends = await Promise.allSettled(
        Array.from({ length: 6 }, (_, index) =>
          submit(index < 3 ? engine.foundation : other, 'twins', {
            customer: { externalId: `twin-${round}-${index}`, email: `twin-${index}@example.com` },
            idempotencyKey: `twins-${round}`,
          }),
        ),
      );
      const submitted = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.customer.externalId] : []));
      const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.message] : []));
      expect(reasons).toEqual(Array.from({ length: 5 }, () => 'idempotencyConflict'));
      const { edges } = await services().listCustomers(producer, page);
      const known = edges.map(({ node }) => node.externalId).filter((id) => id.startsWith(`twin-${round}-`));
      expect(known).toEqual(submitted);
    }
  });

  it('opens no window for a request that is refused for its key', async () => {
    await saveProvider(engine.foundation, 'full');
    await saveProvider(engine.foundation, 'idle');
    await submit(engine.foundation, 'full', { idempotencyKey: 'used' });
    await expect(submit(engine.foundation, 'idle', { idempotencyKey: 'used' })).rejects.toThrow('idempotencyConflict');
    const filter = { recipientExternalId: 'idle' };
    expect((await services().listDigests(producer, { ...page, filter })).edges).toEqual([]);
  });

  it.each([
    ['an unknown provider', { providerExternalId: 'nobody' }, 'unknownProvider'],
    ['a bad address', { customer: { externalId: 'c', email: 'x' } }, 'input.customer.email'],
    ['a bad zone', { customer: { externalId: 'c', email: 'c@example.com', timeZone: 'X' } }, 'input.customer.timeZone'],
    ['no quantity', { item: { externalId: 'i', quantity: 0 } }, 'input.item.quantity'],
    ['no wait', { answerWithinDays: 0 }, 'input.answerWithinDays'],
    ['hidden characters', { item: { externalId: 'i\u202e' } }, 'input.item.externalId'],
  ])('refuses %s', async (_what, more, problem) => {
    await saveProvider(engine.foundation, 'fine');
    await expect(submit(engine.foundation, 'fine', more)).rejects.toThrow(problem);
  });

  it('shows each who may see it, and nobody else', async () => {
    await saveProvider(engine.foundation, 'seen');
    await saveProvider(engine.foundation, 'unseen');
    const request = await submit(engine.foundation, 'seen');
    const digest = (await services().digestStore.digestOf(request.id, 'REQUEST'))!;
    const seen = actor('seen', 'provider');
    const unseen = actor('unseen', 'provider');
    expect((await services().findRequest(seen, request.id)).id).toBe(request.id);
    expect((await services().findDigest(seen, digest.id)).id).toBe(digest.id);
    expect((await services().listRequests(seen, page)).edges).toHaveLength(1);
    expect((await services().listRequests(unseen, page)).edges).toEqual([]);
    expect((await services().listDigests(unseen, page)).edges).toEqual([]);
    await expect(services().findRequest(unseen, request.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(services().findDigest(unseen, digest.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const stranger = { ...supervisor, namespace: 'other' };
    await expect(services().findRequest(stranger, request.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(services().findDigest(stranger, digest.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(services().listProviders(stranger, page)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services().findRequest(bob, request.id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

it('counts days in SQL as the rule does', async () => {
  const pool = await engine.foundation.shard.pool();
  const start = Date.UTC(2026, 0, 1, 10, 30);
  for (const business of [true, false])
    for (let index = 0; index < 60; index++) {
      const [moment, days] = [start + index * 7 * 3_600_000 * 11, 1 + (index % 13)];
      const result = await pool.query<{ at: Date }>(`select add_days($1, 'Europe/Vienna', $2, $3) as at`, [
        new Date(moment),
        days,
        business,
      ]);
      expect(new Date(result.rows[0]!.at).getTime()).toBe(addDays('Europe/Vienna', moment, days, business));
    }
});
