import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/domain/actor.ts';
import { findChromium, visit, warnWithoutChromium } from './browser.ts';
import { bob, DashboardSystem } from './dashboard-system.ts';

const chromium = findChromium();
if (chromium === undefined) warnWithoutChromium();
const olga: Actor = { ...bob, subject: 'olga', roles: new Set(['operator']) };

const stateOfTopic =
  'query ($name: String!) { topic(namespace: "acme", name: $name) { pause { reason } counts { ready dead } } }';

/** Puts one item into a topic, and has a consumer give it back for good. */
async function leaveDeadLetter(dashboard: DashboardSystem, name: string): Promise<void> {
  const namespace = 'acme';
  await dashboard.ask(
    'olga',
    ['operator'],
    'mutation ($input: UpsertTopicInput!) { upsertTopic(input: $input) { __typename } }',
    {
      input: { namespace, name, maxAttempts: 1, deadLetterTopic: `${name}-dead` },
    },
  );
  await dashboard.ask(
    'shop',
    ['producer'],
    'mutation ($input: EnqueueInput!) { enqueue(input: $input) { __typename } }',
    {
      input: { namespace, items: [{ topic: name, payload: 'aGVsbG8=' }] },
    },
  );
  const { dequeue } = await dashboard.ask(
    'resizer',
    ['consumer'],
    'mutation ($input: DequeueInput!) { dequeue(input: $input) { ... on ItemsDequeued { items { item { id } lease { token } } } } }',
    { input: { namespace, requests: [{ topic: name, count: 1 }] } },
  );
  const [{ item, lease }] = (dequeue as { items: [{ item: { id: string }; lease: { token: string } }] }).items;
  await dashboard.ask('resizer', ['consumer'], 'mutation ($input: NackInput!) { nack(input: $input) { __typename } }', {
    input: { namespace, leases: [{ itemId: item.id, leaseToken: lease.token, reason: 'broken' }] },
  });
}

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const mailbox = mkdtempSync(join(tmpdir(), 'caseload-mailbox-'));

/** A receiver of webhooks that refuses until it is told otherwise. */
const receiver = { status: 410, url: '' };
const server = createServer((_request, response) => response.writeHead(receiver.status).end());

/** What can be seen and touched without scrolling. */
async function expectInView(place: Locator): Promise<void> {
  const box = await place.boundingBox();
  expect(box).not.toBeNull();
  const { x, y, width, height } = box!;
  expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
  expect(x + width).toBeLessThanOrEqual(phone.viewport.width);
  expect(y + height).toBeLessThanOrEqual(phone.viewport.height);
}

// A browser beside everything else on two cores takes its time.
describe.skipIf(chromium === undefined)('the operator’s pages', { timeout: 90_000 }, () => {
  let dashboard: DashboardSystem;
  beforeAll(async () => {
    dashboard = await DashboardSystem.start({ CASE_TASKS: 'confirmation-mail' });
    await dashboard.runWorker({ MAIL_FOLDER: mailbox });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  afterAll(async () => {
    server.close();
    await dashboard?.close();
    rmSync(mailbox, { recursive: true, force: true });
  });

  async function createJob(externalId: string): Promise<void> {
    const created = await dashboard.services.createJob(olga, {
      namespace: 'acme',
      kind: 'order-placed',
      externalId,
      tasks: [{ kind: 'webhook', payload: { url: receiver.url, body: {} }, maxAttempts: 1 }],
    });
    expect(created.kind).toBe('created');
  }

  it('retries a failed task with a reason, and all failed ones of a filter after a dry run', async () => {
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'olga');
    receiver.status = 410;
    await createJob('order-1');
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    const row = page.getByRole('row', { name: /order-1/ });
    await row.getByText('Failed', { exact: true }).waitFor();
    await row.getByRole('link', { name: 'webhook' }).click();
    await page.getByRole('cell', { name: /answered 410/ }).waitFor();
    receiver.status = 200;
    await page.getByRole('button', { name: 'Retry …' }).click();
    await page.getByLabel('Why (optional)').fill('the receiver is mended');
    await page.keyboard.press('Enter');
    await page.getByText('Succeeded', { exact: true }).first().waitFor();
    await page.getByText('the receiver is mended').waitFor();

    receiver.status = 410;
    await createJob('order-2');
    await createJob('order-3');
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await page.getByRole('button', { name: 'Failed 2' }).click();
    receiver.status = 200;
    await page.getByRole('button', { name: 'Retry all of these …' }).click();
    await page.getByRole('button', { name: 'Retry 2 tasks' }).click();
    await page.getByText('2 tasks put back.').waitFor();
    await page.getByText('No task is like that').waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('pauses a topic of the queue and redrives its dead letters', async () => {
    await leaveDeadLetter(dashboard, 'thumbnails');
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'olga');
    await page.getByRole('link', { name: 'Queue topics' }).click();
    await page.getByRole('link', { name: 'thumbnails', exact: true }).click();
    await page.getByRole('button', { name: 'Pause …' }).click();
    await page.getByLabel('Why').fill('the disk is full');
    await page.keyboard.press('Enter');
    await page.getByText('the disk is full').waitFor();
    await page.getByRole('button', { name: 'Redrive dead letters …' }).click();
    await page.getByRole('button', { name: 'Redrive 1 item' }).click();
    await page.getByText('1 item: done.').waitFor();
    const { topic } = await dashboard.ask('olga', ['operator'], stateOfTopic, { name: 'thumbnails' });
    expect(topic).toEqual({ pause: { reason: 'the disk is full' }, counts: { ready: 1, dead: 0 } });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('on a phone every page is in reach, a mail that is tapped is what is seen, and its HTML causes no complaint', async () => {
    await dashboard.register('Handheld Holdings');
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'olga', phone);
    for (const name of ['Board', 'Mails', 'Who did what']) {
      await expectInView(page.getByRole('link', { name, exact: true }));
    }
    await expectInView(page.getByRole('button', { name: 'Sign out' }));
    await page.getByRole('link', { name: 'Mails' }).tap();
    await page.locator('.card-link').first().tap();
    const mail = page.getByRole('article');
    await mail.getByRole('heading').waitFor();
    await expectInView(mail.getByRole('heading'));
    await mail.getByText('As HTML, without its looks').tap();
    await page.frameLocator('iframe').getByText('Handheld Holdings').first().waitFor();
    await page.getByRole('link', { name: 'All mails' }).tap();
    await page.locator('.card-link').first().waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('nothing serious is found by axe on any page, in light and in dark', async () => {
    await dashboard.register('Accessible AG');
    const found: string[] = [];
    const scan = async (name: string, scheme: 'light' | 'dark', paths: readonly string[]): Promise<void> => {
      const { page, context } = await visit(dashboard.browser, dashboard.url, name, {
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      for (const path of paths) {
        await page.goto(path);
        await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
        await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
        const { violations } = await new AxeBuilder({ page }).analyze();
        for (const { id, impact, nodes } of violations) {
          if (impact === 'serious' || impact === 'critical') found.push(`${path} ${scheme}: ${id} ${nodes[0]?.html}`);
        }
      }
      await context.close();
    };
    await Promise.all([
      scan('bob', 'light', ['/desk']),
      scan('alice', 'dark', ['/apply', '/apply/new']),
      scan('ida', 'light', ['/shards']),
      scan('olga', 'light', [
        '/board',
        '/tasks',
        '/jobs',
        '/topics',
        '/topics/thumbnails',
        '/requests',
        '/digests',
        '/providers',
        '/mails',
        '/audit',
      ]),
    ]);
    expect(found).toEqual([]);
  });
});
