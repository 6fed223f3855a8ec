import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, warnWithoutChromium } from './browser.ts';
import { DashboardSystem } from './dashboard-system.ts';
import { IdentityProvider } from './identity-provider.ts';

const chromium = findChromium();
if (chromium === undefined) warnWithoutChromium();

describe.skipIf(chromium === undefined)('signing in at an identity provider', { timeout: 90_000 }, () => {
  let provider: IdentityProvider;
  let dashboard: DashboardSystem;
  beforeAll(async () => {
    provider = await IdentityProvider.start('petra', ['auditor']);
    dashboard = await DashboardSystem.start({
      AUTH_JWKS_URL: `${provider.origin}/keys`,
      OIDC_AUTHORITY: provider.origin,
      OIDC_CLIENT_ID: 'caseload',
      DEVELOPMENT_SIGN_IN: 'false',
    });
  });
  afterAll(async () => {
    await dashboard?.close();
    provider?.stop();
  });

  it('goes there with PKCE, comes back to the page that was asked for, and leaves nothing behind', async () => {
    const context = await dashboard.browser.newContext({ baseURL: dashboard.url });
    const page = await context.newPage();
    await page.goto('/board');
    expect(await page.getByText('Who are you today?').count()).toBe(0);
    await page.getByRole('button', { name: 'Sign in', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Board' }).waitFor();
    await page.getByText('petra').waitFor();
    expect(page.url()).toBe(`${dashboard.url}/board`);
    await page.reload();
    await page.getByRole('heading', { name: 'Board' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).first().waitFor();
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
    await context.close();
  });
});
