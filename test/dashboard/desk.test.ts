import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, visit, warnWithoutChromium } from './browser.ts';
import { bob, carol, DashboardSystem } from './dashboard-system.ts';

/** carol claims the case. @returns her lease's token */
async function tokenFor(dashboard: DashboardSystem, caseId: string): Promise<string> {
  const claimed = await dashboard.services.claimCase(carol, { caseId, leaseSeconds: null });
  if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
  return claimed.held.lease!.token;
}

async function approve(dashboard: DashboardSystem, caseId: string, leaseToken: string): Promise<void> {
  await dashboard.services.decide(carol, {
    caseId,
    leaseToken,
    verdict: 'APPROVE',
    reason: null,
    idempotencyKey: null,
  });
}

/** Leaves no window, no lease and no open case to the next test, also when this one failed half way. */
async function clearDesk(dashboard: DashboardSystem): Promise<void> {
  await Promise.all(dashboard.browser.contexts().map((context) => context.close()));
  const { services } = dashboard;
  for (const { case: found, lease } of await services.myLeases(bob, 'acme')) {
    await services.releaseCase(bob, { caseId: found.id, leaseToken: lease!.token, reason: null });
  }
  for (const { case: found, lease } of await services.myLeases(carol, 'acme')) {
    await approve(dashboard, found.id, lease!.token);
  }
  for (const id of dashboard.registered.splice(0)) {
    const { decision } = (await services.findCase(carol, id)).case;
    if (decision === null) await approve(dashboard, id, await tokenFor(dashboard, id));
  }
}

const chromium = findChromium();
if (chromium === undefined) warnWithoutChromium();

// A browser beside everything else on two cores takes its time.
describe.skipIf(chromium === undefined)('the auditor’s desk', { timeout: 90_000 }, () => {
  let dashboard: DashboardSystem;
  beforeAll(async () => {
    dashboard = await DashboardSystem.start();
  });
  afterEach(() => clearDesk(dashboard));
  afterAll(() => dashboard?.close());

  it('claims, shows the PDF, and decides, by keys alone; a reload finds the case and the note again', async () => {
    const id = await dashboard.register('Keyboard & Sons');
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'bob');
    await page.getByText('1 case waits').waitFor();
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Keyboard & Sons' }).waitFor();
    await page.getByText('Page 1 of 4').waitFor();
    await page.locator('.textLayer span').first().waitFor({ state: 'attached' });
    await page.keyboard.press('ArrowRight');
    await page.getByText('Page 2 of 4').waitFor();
    await page.keyboard.press('+');
    await page.getByRole('button', { name: '125 %' }).waitFor();
    await page.keyboard.press('n');
    await page.keyboard.type('Looks fine at first sight, arc');
    await page.reload();
    await page.getByRole('heading', { name: 'Keyboard & Sons' }).waitFor();
    expect(await page.getByLabel(/^Note/).inputValue()).toBe('Looks fine at first sight, arc');
    await page.keyboard.press('a');
    await page.getByRole('dialog').getByText('Approve Keyboard & Sons?').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Keyboard & Sons: approved.').waitFor();
    const { decision } = (await dashboard.services.findCase(carol, id)).case;
    expect(decision).toMatchObject({
      verdict: 'APPROVE',
      decidedBy: 'bob',
      reason: 'Looks fine at first sight, arc',
    });
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('Looks fine');
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('takes a key that is pressed in the very moment in which the case appears', async () => {
    const id = await dashboard.register('Quick Fingers');
    const claimed = await dashboard.services.claimCase(bob, { caseId: id, leaseSeconds: null });
    expect(claimed.kind).toBe('claimed');
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'bob');
    await page.getByRole('heading', { name: 'Quick Fingers' }).waitFor();
    await page.addInitScript(() => {
      const observer = new MutationObserver(() => {
        if (document.querySelector('.desk h1') === null) return;
        observer.disconnect();
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true, cancelable: true }));
      });
      observer.observe(document, { childList: true, subtree: true });
    });
    await page.reload();
    await page.getByRole('dialog').getByText('Approve Quick Fingers?').waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('rejects for a reason that is picked by its number', async () => {
    const id = await dashboard.register('Late Limited');
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'bob');
    await page.getByText('1 case waits').waitFor();
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Late Limited' }).waitFor();
    await page.keyboard.press('r');
    await page.getByRole('dialog').waitFor();
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).isDisabled()).toBe(true);
    await page.keyboard.press('2');
    await page.getByLabel('In your own words').fill('Since May.');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Late Limited: rejected.').waitFor();
    expect((await dashboard.services.findCase(carol, id)).case.decision).toMatchObject({
      verdict: 'REJECT',
      reason: 'A document has expired. Since May.',
    });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('takes a case back whose lease ended while nobody worked', async () => {
    const id = await dashboard.register('Sleepy Services');
    const claimed = await dashboard.services.claimCase(bob, { caseId: id, leaseSeconds: 4 });
    if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
    const { page, context } = await visit(dashboard.browser, dashboard.url, 'bob');
    // Signing in is the last sign of life, and a third of so short a lease later nobody seems to be there.
    await page.getByText('Your lease has ended. Nobody has taken the case yet.').waitFor();
    await page.keyboard.press('c');
    await page.getByRole('button', { name: /^Approve/ }).waitFor();
    const [held] = await dashboard.services.myLeases(bob, 'acme');
    expect(held!.lease!.token).not.toBe(claimed.held.lease!.token);
    await context.close();
  });

  it('loads less than 250 kB before it is at work, and pdf.js only with the first PDF', async () => {
    const { page, context } = await visit(dashboard.browser, dashboard.url, 'bob');
    await page.getByRole('button', { name: /Claim the next case/ }).waitFor();
    const loaded = await page.evaluate(() =>
      performance
        .getEntries()
        .filter((entry) => entry instanceof PerformanceResourceTiming)
        .map(({ name, encodedBodySize }) => ({ name, bytes: encodedBodySize })),
    );
    const bytes = loaded.reduce((sum, one) => sum + one.bytes, 0);
    expect(bytes).toBeGreaterThan(20_000);
    expect(bytes).toBeLessThan(250_000);
    expect(loaded.filter(({ name }) => name.includes('pdf'))).toEqual([]);
    await context.close();
  });

  it('says who has a case whose lease was lost, and keeps what was typed', async () => {
    const id = await dashboard.register('Lost Lease plc');
    const { page, context, complaints } = await visit(dashboard.browser, dashboard.url, 'bob');
    await page.getByText('1 case waits').waitFor();
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Lost Lease plc' }).waitFor();
    await page.getByLabel(/^Note/).fill('half');
    // The dialog has it, too, and what is typed there is not lost with it.
    await page.getByRole('heading', { name: 'Lost Lease plc' }).focus();
    await page.keyboard.press('r');
    await page.getByLabel('In your own words').fill('half a thought');
    // Another program of bob's gives the case back behind the window's back, and carol takes it.
    const held = await dashboard.services.myLeases({ ...carol, subject: 'bob' }, 'acme');
    await dashboard.services.releaseCase(
      { ...carol, subject: 'bob' },
      { caseId: id, leaseToken: held[0]!.lease!.token, reason: null },
    );
    const claimed = await dashboard.services.claimCase(carol, { caseId: id, leaseSeconds: null });
    expect(claimed.kind).toBe('claimed');
    await page.getByText(/^carol has this case now since/).waitFor();
    expect(await page.getByLabel('Your note').inputValue()).toBe('half a thought');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /Claim the next case/ }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
