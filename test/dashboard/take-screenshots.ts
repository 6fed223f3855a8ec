import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { findFreePort } from '../../src/embedded/ports.ts';
import { findChromium, launchChromium, visit } from './browser.ts';
import { ExampleWork } from './example-work.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const folder = process.argv[2] ?? join(project, 'docs', 'screenshots');
const wide = { viewport: { width: 1280, height: 800 }, timezoneId: 'UTC', locale: 'en-GB' };
const phone = { viewport: { width: 390, height: 780 }, timezoneId: 'UTC', locale: 'en-GB' };
/** So long the queue is worked, for charts with something on them. */
const workMilliseconds = 20_000;

const chromium = findChromium();
if (chromium === undefined) throw new Error('No Chromium was found; CHROMIUM_PATH names one');
mkdirSync(folder, { recursive: true });
const home = join(project, '.caseload', `screenshots-${process.pid}`);
const authSecret = randomBytes(32).toString('hex');
const url = `http://127.0.0.1:${await findFreePort()}`;
const { stop } = await startSystem();
try {
  const browser = await launchChromium(chromium);
  await takeAll(browser);
  await browser.close();
} finally {
  await stop();
}

/** `caseload up` with a folder of its own, which is gone afterwards. */
async function startSystem() {
  const environment = {
    ...process.env,
    CASELOAD_HOME: home,
    AUTH_SECRET: authSecret,
    PORT: new URL(url).port,
    CASELOAD_POSTGRES_PORT: '0',
    CASELOAD_NATS_PORT: '0',
  };
  const child = spawn(process.execPath, [join(project, 'src', 'cli.ts'), 'up'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('Ready') && resolve());
    child.once('exit', () => reject(new Error('The system did not start')));
  });
  return {
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function takeAll(browser: Browser): Promise<void> {
  const receiver = createServer((request, response) => response.writeHead(request.url === '/gone' ? 410 : 200).end());
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const work = new ExampleWork(url, authSecret, `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`);
  await work.createJobs();
  await work.collectRequests();

  const desk = await visit(browser, url, 'bob', wide);
  await shoot(desk.page, 'free-desk', async (page) => page.getByText('wait for somebody').waitFor());
  await desk.page.keyboard.press('c');
  await desk.page.locator('.textLayer span').first().waitFor({ state: 'attached' });
  await desk.page.getByLabel(/^Note/).fill('The register extract is from last month, the address matches.');
  await shoot(desk.page, 'desk');
  await desk.page.emulateMedia({ colorScheme: 'dark' });
  await desk.page.getByRole('heading', { level: 1 }).focus();
  await desk.page.keyboard.press('r');
  await desk.page.getByRole('dialog').waitFor();
  await desk.page.keyboard.press('3');
  await shoot(desk.page, 'reject-dark');

  const own = await visit(browser, url, 'alice', { ...phone, colorScheme: 'dark' });
  await own.page.goto('/apply/new');
  await own.page.getByLabel('Name', { exact: true }).fill('Alice Example');
  await own.page.getByLabel('E-mail').fill('alice@example.com');
  const file = (name: string): string => join(project, 'data', 'documents', name);
  await own.page.locator('input[type=file]').setInputFiles([file('habibi.pdf'), file('image.jpg')]);
  await own.page.getByText('Sent and checked').nth(1).waitFor();
  await own.page.locator('.main').evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await shoot(own.page, 'register-phone');

  const operator = await visit(browser, url, 'olga', wide);
  await work.decideSome(3);
  await operator.page.goto('/board');
  await shoot(operator.page, 'board', async (page) => page.getByText('Approved').first().waitFor());
  await operator.page.goto('/tasks?status=FAILED,RETRYABLE');
  await shoot(operator.page, 'tasks', async (page) => page.getByRole('row').nth(3).waitFor());
  await work.createTopic();
  await operator.page.goto('/topics/thumbnails');
  await operator.page.getByText('Live', { exact: true }).waitFor();
  await work.workQueue(workMilliseconds);
  await shoot(operator.page, 'topic');
  for (const page of ['jobs', 'topics', 'requests', 'digests', 'providers', 'mails', 'audit', 'shards']) {
    if (process.argv[2] === undefined) break; // the pictures of the documentation are few
    await operator.page.goto(`/${page}`);
    await shoot(operator.page, page, async (shown) =>
      shown
        .locator('tbody a, .cards a')
        .first()
        .waitFor({ timeout: 5_000 })
        .catch(() => undefined),
    );
  }
  await operator.page.goto('/digests');
  await operator.page.locator('tbody a').first().click();
  await shoot(operator.page, 'digest', async (page) => page.locator('.mail-text').waitFor());
  receiver.close();
}

/** @param ready waits until the page shows what it is to show */
async function shoot(page: Page, name: string, ready?: (page: Page) => Promise<void>): Promise<void> {
  await ready?.(page);
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
  // Changes are marked for a moment, and messages stay for one.
  await page.locator('.toast, .card-changed').first().waitFor({ state: 'detached' });
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
  process.stdout.write(`${name}.png\n`);
}
