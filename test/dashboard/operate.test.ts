import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { Client } from 'pg';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/domain/actor.ts';
import { waitUntil } from '../support/wait-until.ts';
import { findChromium, visit, warnWithoutChromium } from './browser.ts';
import { bob, carol, DashboardSystem } from './dashboard-system.ts';

const chromium = findChromium();
if (chromium === undefined) warnWithoutChromium();
const olga: Actor = { ...bob, subject: 'olga', roles: new Set(['operator']) };

const stateOfTopic =
  'query ($name: String!) { topic(namespace: "acme", name: $name) { pause { reason } counts { ready dead } } }';

/** Puts one item into a topic, and has a consumer give it back for good. @returns its id */
async function leaveDeadLetter(dashboard: DashboardSystem, name: string): Promise<string> {
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
  return item.id;
}

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const mailbox = mkdtempSync(join(tmpdir(), 'caseload-mailbox-'));

/** A receiver of webhooks that refuses until it is told otherwise. */
const receiver = { status: 410, url: '' };
const server = createServer((_request, response) => response.writeHead(receiver.status).end());

/** Of what one sees, as the Web Vitals measure it; 0.1 is still called good. */
const jumpMax = 0.03;

/** How far the layout of this page has moved without anybody having asked for it. Runs in the page. */
function measureJumps(): Promise<number> {
  return new Promise((resolve) => {
    const observer = new PerformanceObserver(() => undefined);
    observer.observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => {
      const shifts = observer.takeRecords() as unknown as readonly { value: number; hadRecentInput: boolean }[];
      resolve(shifts.filter(({ hadRecentInput }) => !hadRecentInput).reduce((sum, { value }) => sum + value, 0));
    }, 0);
  });
}

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

  /** A job with one task whose time is far away. */
  async function createWaitingTask(): Promise<{ readonly jobId: string; readonly taskId: string }> {
    const created = await dashboard.services.createJob(olga, {
      namespace: 'acme',
      kind: 'order-placed',
      externalId: null,
      tasks: [{ kind: 'webhook', payload: { url: receiver.url, body: {} }, runAt: new Date(Date.now() + 86_400_000) }],
    });
    if (created.kind !== 'created') throw new Error(created.kind);
    return { jobId: created.job.id, taskId: created.tasks[0]!.id };
  }

  async function scheduleTask(name: string): Promise<void> {
    await dashboard.services.upsertTaskSchedule(olga, {
      namespace: 'acme',
      name,
      kind: 'webhook',
      payload: { url: receiver.url, body: {} },
      cron: '0 2 * * *',
    });
  }

  /** A mail of which nobody knows whether the server has it, as a connection that breaks at its end leaves one. */
  async function leaveUncertainMail(): Promise<string> {
    await dashboard.register('Uncertain Undertakings');
    const client = new Client({ connectionString: dashboard.system.databaseUrl });
    await client.connect();
    try {
      let id: string | undefined;
      await waitUntil('a mail is sent', async () => {
        const { rows } = await client.query<{ id: string }>(
          "update mails set status = 'UNCERTAIN', sent_at = null where status = 'SENT' returning id",
        );
        id = rows[0]?.id;
        return id !== undefined;
      });
      return id!;
    } finally {
      await client.end();
    }
  }

  /** A digest that collects, with a request in it. */
  async function openDigest(): Promise<string> {
    const namespace = 'acme';
    const externalId = 'accessible-cranes';
    await dashboard.services.upsertProvider(olga, {
      namespace,
      externalId,
      name: 'Accessible Cranes',
      email: 'cranes@example.com',
      timeZone: 'UTC',
      window: { every: 'PT4H' },
    });
    await dashboard.services.submitRequest(olga, {
      namespace,
      customer: { externalId: 'customer-1', email: 'customer@example.com' },
      providerExternalId: externalId,
      item: { externalId: 'crane', quantity: 1 },
    });
    const { digests } = await dashboard.ask(
      'olga',
      ['operator'],
      'query { digests(namespace: "acme", filter: { recipientExternalId: "accessible-cranes" }) { edges { node { id } } } }',
      {},
    );
    return (digests as { edges: [{ node: { id: string } }] }).edges[0].node.id;
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

  it('follows one request from its submission to the mails that told of it', async () => {
    const { services } = dashboard;
    const provider = { namespace: 'acme', externalId: 'hand-warmers', email: 'orders@hand-warmers.example' };
    await services.upsertProvider(olga, { ...provider, window: { every: 'P7D' } });
    const submitted = await services.submitRequest(olga, {
      namespace: 'acme',
      customer: { externalId: 'c-1', email: 'buyer@example.com' },
      providerExternalId: 'hand-warmers',
      item: { externalId: '22633', description: 'Hand warmer', quantity: 6 },
    });
    if (submitted.kind !== 'submitted') throw new Error(submitted.kind);
    const { id } = submitted.request;
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'olga');
    await page.getByRole('link', { name: 'Requests' }).click();
    await page.getByRole('link', { name: 'Hand warmer' }).click();
    const story = page.locator('.story');
    await story.getByText('Received').waitFor();
    // Each step shows itself.
    const digest = await services.digestStore.digestOf(id, 'REQUEST');
    await page.goto(`/digests/${digest!.id}`);
    const sheet = page.getByRole('region', { name: 'The mail' });
    await sheet.getByText('as it would look now').waitFor();
    await page.getByRole('button', { name: 'Send now …' }).click();
    await page.getByRole('button', { name: 'Send now', exact: true }).click();
    await sheet.getByText('the mail that was sent').waitFor();
    // The end of its window is far away, and has nothing left to do.
    await page.getByRole('link', { name: 'its tasks' }).click();
    await page.getByRole('row', { name: /Not needed digest-seal/ }).waitFor();
    await page.goto(`/requests/${id}`);
    await story.getByText('Notified', { exact: false }).first().waitFor();
    const responses = [{ requestId: id, outcome: 'DELAYED', note: 'on Friday' } as const];
    await services.respondToRequests(olga, { namespace: 'acme', responses });
    await story.getByText('Customer notified').waitFor();
    await page.getByText('Available later: on Friday').waitFor();
    expect(await story.textContent()).toContain('Available later');
    expect(await story.textContent()).not.toMatch(/DELAYED|Digest 1/);
    await page.getByRole('link', { name: 'Mail to buyer@example.com' }).waitFor();
    await page.getByRole('link', { name: 'Mail to orders@hand-warmers.example' }).click();
    await page.getByRole('article').getByText('6 x 22633').waitFor();
    // It is the very mail that lies in the mailbox.
    const { edges } = await services.listMails(olga, { namespace: 'acme', first: 1, filter: { aboutId: digest!.id } });
    expect(readdirSync(mailbox)).toContain(`${edges[0]!.node.messageId.slice(1).split('@')[0]}.eml`);
    // And back: from the digest to its request.
    await page.goto(`/digests/${digest!.id}`);
    await page.getByRole('link', { name: 'Hand warmer' }).click();
    await page.getByRole('heading', { level: 1, name: 'Hand warmer' }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('tells people who may not read mails that they may not', async () => {
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'bob');
    await page.goto('/mails');
    await page.getByText('The mails cannot be shown right now').waitFor();
    // The browser tells of the refusal itself; no script fails over it.
    expect(complaints.filter((text) => !text.includes('status of 403'))).toEqual([]);
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
    await mail.getByText('As HTML, without styling').tap();
    await page.frameLocator('iframe').getByText('Handheld Holdings').first().waitFor();
    await page.getByRole('link', { name: 'All mails' }).tap();
    await page.locator('.card-link').first().waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('steers kinds, tasks, schedules, topics and mails by keys, says refusals where it was asked, and all is on record', async () => {
    const namespace = 'acme';
    const { jobId, taskId } = await createWaitingTask();
    await scheduleTask('nightly');
    await dashboard.services.upsertTopic(olga, { namespace, name: 'steered' });
    const mailId = await leaveUncertainMail();
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'olga');

    await page.goto('/kinds');
    await page.getByRole('button', { name: 'Limits of webhook …' }).press('Enter');
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await page
      .getByRole('row', { name: /webhook/ })
      .getByText('7 at once')
      .waitFor();

    await page.goto(`/tasks/${taskId}`);
    await page.getByRole('button', { name: 'Change …' }).press('Enter');
    await page.getByLabel('Priority (lower is sooner)').fill('-3');
    await page.keyboard.press('Enter');
    await page.getByText('The task is changed.').waitFor();
    expect((await dashboard.services.findTask(olga, taskId)).priority).toBe(-3);
    await page.getByRole('button', { name: 'Change …' }).press('Enter');
    await page.getByRole('textbox', { name: 'Payload' }).fill(JSON.stringify({ url: receiver.url }));
    await dashboard.services.cancelJob(olga, { jobId, reason: 'behind the window’s back' });
    await page.getByRole('button', { name: 'Change it' }).press('Enter');
    await page.getByRole('dialog').getByText('The task is CANCELLED; only tasks that wait can be changed.').waitFor();
    await page.keyboard.press('Escape');

    await page.goto('/schedules/nightly');
    await page.getByRole('button', { name: 'Pause …' }).press('Enter');
    await page.keyboard.type('the receiver moves');
    await page.keyboard.press('Enter');
    await page.getByText('by olga').first().waitFor();
    await page.getByText('the receiver moves').first().waitFor();

    await page.goto('/topics/steered');
    await page.getByRole('button', { name: 'Change …' }).press('Enter');
    await page.getByLabel('Open items at most').fill('500');
    await page.getByLabel('Why (optional)').fill('it is small');
    await page.keyboard.press('Enter');
    await page.getByText('500', { exact: true }).waitFor();

    await page.goto(`/mails/${mailId}`);
    await page.getByRole('button', { name: 'It was sent …' }).press('Enter');
    await page.keyboard.type('it is in the log of the server');
    await page.keyboard.press('Enter');
    await page.getByText(/^by olga .*: it is in the log of the server$/).waitFor();

    await page.goto('/audit?only=steering');
    for (const why of [
      'to 7 at once, at any rate',
      'the receiver moves',
      'depth max 500: it is small',
      'it is in the log',
    ]) {
      await page.getByRole('row').getByText(why).waitFor();
    }
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('nothing serious is found by axe on any page and dialog, in light and in dark', async () => {
    const requests = await dashboard.services.listRequests(olga, { namespace: 'acme', first: 1 });
    const found: string[] = [];
    const look = async (page: Page, name: string, within = 'html'): Promise<void> => {
      await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      const { violations } = await new AxeBuilder({ page })
        .include(within)
        // Nothing is framed but mails without scripts, and what is well is not listed: twice as fast.
        .setLegacyMode(true)
        .options({ resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
        .analyze();
      for (const { id, impact, nodes } of violations) {
        if (impact === 'serious' || impact === 'critical') found.push(`${name}: ${id} ${nodes[0]?.html}`);
      }
    };
    /** Looks at pages, and at the dialogs that their buttons open. */
    const scan = async (
      name: string,
      scheme: 'light' | 'dark',
      paths: readonly (readonly string[])[],
    ): Promise<void> => {
      const { page, context } = await visit(dashboard.browser, dashboard.url, name, {
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      for (const [path, ...buttons] of paths) {
        await page.goto(path!);
        await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
        await look(page, `${path} ${scheme}`);
        const jumped = await page.evaluate(measureJumps);
        if (jumped > jumpMax) found.push(`${path} ${scheme}: its layout jumped by ${jumped}`);
        for (const button of buttons) {
          await page.getByRole('button', { name: button }).first().click();
          await page.getByRole('dialog').waitFor();
          await look(page, `${path} ${button} ${scheme}`, 'dialog[open]');
          await page.keyboard.press('Escape');
        }
      }
      await context.close();
    };
    /** An auditor’s way through a case, which no address leads to. */
    const scanDesk = async (scheme: 'light' | 'dark'): Promise<void> => {
      const caseId = await dashboard.register(`Accessible ${scheme}`);
      const auditor = scheme === 'light' ? bob : carol;
      const { page, context } = await visit(dashboard.browser, dashboard.url, auditor.subject, {
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      await page.getByText(/waits? for somebody/).waitFor();
      await look(page, `the free desk ${scheme}`);
      const claimed = await dashboard.services.claimCase(auditor, { caseId, leaseSeconds: null });
      if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
      await page.reload();
      await page.getByText('Page 1 of 4').waitFor();
      await look(page, `a case in hand ${scheme}`);
      for (const key of ['a', 'r', 'u', '?']) {
        await page.keyboard.press(key);
        await page.getByRole('dialog').waitFor();
        await look(page, `a case in hand, ${key}, ${scheme}`, 'dialog[open]');
        await page.keyboard.press('Escape');
      }
      const leaseToken = claimed.held.lease!.token;
      await dashboard.services.releaseCase(auditor, { caseId, leaseToken, reason: null });
      await page.getByText('Your lease has ended.').waitFor();
      await look(page, `a lost case ${scheme}`);
      await context.close();
    };
    const { taskId, jobId } = await createWaitingTask();
    await scheduleTask('weekly');
    const itemId = await leaveDeadLetter(dashboard, 'lost-thumbnails');
    const mailId = await leaveUncertainMail();
    const digestId = await openDigest();
    await Promise.all([
      scanDesk('light'),
      scanDesk('dark'),
      scan('alice', 'dark', [['/apply'], ['/apply/new']]),
      scan('ida', 'light', [
        ['/shards', 'Drain …'],
        ['/topics', 'Limits …'],
      ]),
      scan('olga', 'light', [
        ['/board'],
        [`/cases/${dashboard.registered[0]}`],
        ['/tasks', 'Retry all of these …'],
        [`/tasks/${taskId}`, 'Change …', 'Cancel …'],
        ['/jobs'],
        [`/jobs/${jobId}`],
        ['/topics'],
        ['/topics/lost-thumbnails', 'Pause …', 'Purge …', 'Redrive dead letters …', 'Change …'],
        [`/items/${itemId}`],
        ['/requests'],
        ...requests.edges.map(({ node }) => [`/requests/${node.id}`] as const),
        ['/digests'],
        ['/customers'],
        ['/audit'],
      ]),
      scan('olga', 'dark', [
        ['/kinds', 'Limits of webhook …', 'Pause webhook …'],
        ['/schedules'],
        ['/schedules/weekly', 'Pause …'],
        [`/digests/${digestId}`, 'Skip …'],
        ['/providers', 'Pause Accessible Cranes …'],
        ['/mails'],
        [`/mails/${mailId}`, 'Send it again …'],
      ]),
    ]);
    expect(found).toEqual([]);
  });
});
