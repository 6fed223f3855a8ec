import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, visit, warnWithoutChromium } from './browser.ts';
import { bob, carol, DashboardSystem, samplePdf } from './dashboard-system.ts';

const chromium = findChromium();
if (chromium === undefined) warnWithoutChromium();
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

// A browser beside everything else on two cores takes its time.
describe.skipIf(chromium === undefined)('what others do is seen as it happens', { timeout: 90_000 }, () => {
  let dashboard: DashboardSystem;
  beforeAll(async () => {
    dashboard = await DashboardSystem.start();
  });
  afterAll(() => dashboard?.close());

  it('an applicant sends a PDF from a phone, is told what was refused, and follows the case to its decision', async () => {
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'alice', phone);
    await page.getByRole('link', { name: 'Register a case' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Phone Company');
    await page.getByLabel('E-mail').fill('office@example.com');
    const files = page.locator('input[type=file]');
    await files.setInputFiles(fileURLToPath(samplePdf));
    await page.getByText('Sent and checked').waitFor();
    // A reload, or a session that ended, loses nothing of the form.
    await page.reload();
    await page.getByText('Sent and checked').waitFor();
    expect(await page.getByLabel('E-mail').inputValue()).toBe('office@example.com');
    await files.setInputFiles([
      { name: 'false.pdf', mimeType: 'application/pdf', buffer: Buffer.from('no PDF at all') },
    ]);
    await files.setInputFiles([{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }]);
    await page.getByText('Only PDF, PNG, JPEG and TIFF are taken.').waitFor();
    await page.locator('.upload-refused', { hasText: 'false.pdf' }).waitFor();
    const register = page.getByRole('button', { name: 'Register' });
    expect(await register.isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Remove false.pdf' }).click();
    await page.getByRole('button', { name: 'Remove notes.txt' }).click();
    await register.click();
    await page.getByText('Waits for somebody to look').waitFor();
    const id = page.url().slice(-36);
    const claimed = await dashboard.services.claimCase(bob, { caseId: id, leaseSeconds: null });
    if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
    await page.getByText('Somebody is looking at it now').waitFor();
    await dashboard.services.decide(bob, {
      caseId: id,
      leaseToken: claimed.held.lease!.token,
      verdict: 'APPROVE',
      reason: 'not for the applicant',
      idempotencyKey: null,
    });
    await page.getByText('Approved', { exact: true }).waitFor();
    expect(await page.content()).not.toMatch(/bob|not for the applicant/);
    const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(width).toBeLessThanOrEqual(room!);
    // The refused upload is an answer of 400, which Chromium notes.
    expect(complaints.filter((text) => !text.includes('400'))).toEqual([]);
    await context.close();
  });

  it('the board follows a decision in another window, and a restart of the gateway without a gap', async () => {
    const id = await dashboard.register('Watched Works');
    const board = await visit(dashboard.browser, dashboard.url, 'olga');
    const column = (name: string) => board.page.getByRole('region', { name, exact: true });
    await column('Waiting').getByText('Watched Works').waitFor();
    await board.page.getByText('Live', { exact: true }).waitFor();

    const desk = await visit(dashboard.browser, dashboard.url, 'carol');
    await desk.page.getByText('1 case waits').waitFor();
    await desk.page.keyboard.press('c');
    await column('In hand').getByText('Watched Works').waitFor();

    await dashboard.stopGateway();
    await board.page.getByText('The connection is lost.').waitFor();
    await desk.page.getByText('The connection is lost.').waitFor();
    await dashboard.startGateway();
    // These happen while the windows are still cut off.
    const [held] = await dashboard.services.myLeases(carol, 'acme');
    await dashboard.services.decide(carol, {
      caseId: id,
      leaseToken: held!.lease!.token,
      verdict: 'REJECT',
      reason: 'Seen elsewhere',
      idempotencyKey: null,
    });
    await dashboard.register('Late Arrival');
    await board.page.getByText(/^Connected again; \d updates? caught up\.$/).waitFor();
    await column('Decided').getByText('Watched Works').waitFor();
    await column('Waiting').getByText('Late Arrival').waitFor();
    await desk.page.getByText('You have decided this case.').waitFor();
    expect([...board.complaints, ...desk.complaints]).toEqual([]);
    await board.context.close();
    await desk.context.close();
  });
});
