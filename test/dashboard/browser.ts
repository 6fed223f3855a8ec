import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge'];
const usualPlaces = [
  '/usr/bin',
  '/snap/bin',
  '/opt/google/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser to test with: `CHROMIUM_PATH`, else one that is installed. */
export function findChromium(): string | undefined {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined && given !== '') return given;
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...usualPlaces];
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...usualPlaces];
  return candidates.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Said once where no browser is; the tests are skipped then. */
export function warnWithoutChromium(): void {
  process.stderr.write(
    'No Chromium was found, so the tests of the dashboard in a browser are skipped. Install one (Debian: apt-get install chromium), or set CHROMIUM_PATH.\n',
  );
}

export async function launchChromium(path: string): Promise<Browser> {
  // Chromium's own sandbox cannot be set up by root or in many containers; only our own pages are opened.
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Somebody with a browser window of their own. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained about: errors of scripts, refusals of the content security policy, other hosts. */
  readonly complaints: string[];
}

/** Opens a window with nothing remembered, and signs in as one of the example people. */
export async function visit(
  browser: Browser,
  url: string,
  name: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ baseURL: url, ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A gateway that is stopping or gone refuses; that is what some tests are about.
    if (message.type() === 'error' && !/ERR_CONNECTION|WebSocket|status of 503/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) complaints.push(`asked ${request.url()}`);
  });
  await page.goto('/');
  await page.getByRole('button', { name: new RegExp(`^${name}`, 'i') }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  return { context, page, complaints };
}
