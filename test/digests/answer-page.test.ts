import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAnswerLink } from '../../src/digests/answer-link.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import { digestOf, saveProvider, submit, supervisor } from './digest-engine.ts';

let engine: TestEngine;
let gateway: Service;
let base: string;
beforeAll(async () => {
  engine = await startEngine();
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
});
afterAll(async () => {
  await gateway.stop();
  await engine.stop();
});

const services = () => engine.foundation.services;
const later = Math.floor(Date.now() / 1_000) + 3_600;

/** A sealed digest with so many requests. */
async function seal(provider: string, count: number, itemsPerMail = 100) {
  await saveProvider(engine.foundation, provider, { itemsPerMail, name: 'A <script> & Sons' });
  const requests = [];
  for (let index = 0; index < count; index++) requests.push(await submit(engine.foundation, provider));
  const { id } = await digestOf(engine.foundation, requests[0]!.id);
  await services().flushDigest(supervisor, { digestId: id });
  const pool = await engine.foundation.shard.pool();
  await pool.query(`select seal_digest($1, 'acme')`, [id]);
  return { id, requests };
}

const link = (digestId: string, part = 1, expiresAtSeconds = later) =>
  signAnswerLink(testSecret, base, { digestId, part, expiresAtSeconds });

async function post(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
}

describe('the page behind the link in a mail', () => {
  it('shows the requests, takes answers, and shows them', async () => {
    const { id, requests } = await seal('linked', 3);
    const page = await fetch(link(id));
    expect(page.status).toBe(200);
    const html = await page.text();
    for (const request of requests) expect(html).toContain(`outcome-${request.id}`);
    expect(html).not.toContain('<script');
    expect(html).toContain('A &lt;script&gt; &amp; Sons');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    // To look changed nothing.
    expect((await services().findRequest(supervisor, requests[0]!.id)).answer).toBeNull();

    const taken = await post(link(id), {
      [`outcome-${requests[0]!.id}`]: 'AVAILABLE',
      [`note-${requests[0]!.id}`]: '<i>soon</i>',
      [`outcome-${requests[1]!.id}`]: 'UNAVAILABLE',
      [`note-${requests[2]!.id}`]: 'without an answer',
    });
    expect(taken.status).toBe(303);
    const after = await (await fetch(new URL(taken.headers.get('location')!, base))).text();
    expect(after).toContain('2 answers were taken');
    expect(after).toContain('the rest can wait');
    expect(after).toContain('&lt;i&gt;soon');
    expect(await services().findRequest(supervisor, requests[0]!.id)).toMatchObject({
      status: 'ANSWERED',
      answer: { outcome: 'AVAILABLE', note: '<i>soon</i>', by: 'linked (by link)' },
    });
    expect((await services().findRequest(supervisor, requests[2]!.id)).answer).toBeNull();
    // The form once more: what stands, stands.
    expect((await post(link(id), { [`outcome-${requests[0]!.id}`]: 'UNAVAILABLE' })).headers.get('location')).toMatch(
      /taken=0$/,
    );
    // Nothing chosen, and then the last one.
    const empty = await post(link(id), { [`note-${requests[2]!.id}`]: 'without an answer' });
    expect(await (await fetch(new URL(empty.headers.get('location')!, base))).text()).toContain('No answer was chosen');
    const last = await post(link(id), { [`outcome-${requests[2]!.id}`]: 'DELAYED' });
    const over = await (await fetch(new URL(last.headers.get('location')!, base))).text();
    expect(over).toContain('1 answer was taken');
    expect(over).toContain('Available later');
    expect(over).toContain('None of these waits for an answer');
    expect(over).not.toContain('the rest can wait');
  });

  it('answers for its own part of its own digest alone', async () => {
    const [mine, other] = [await seal('mine', 2, 1), await seal('other', 1)];
    const sorted = mine.requests.map((request) => request.id).sort();
    const first = await (await fetch(link(mine.id, 1))).text();
    expect(first).toContain(sorted[0]);
    expect(first).not.toContain(sorted[1]);
    const done = await post(link(mine.id, 1), {
      [`outcome-${sorted[1]}`]: 'AVAILABLE',
      [`outcome-${other.requests[0]!.id}`]: 'AVAILABLE',
    });
    expect(done.headers.get('location')).toMatch(/taken=0$/);
    expect((await services().findRequest(supervisor, other.requests[0]!.id)).answer).toBeNull();
  });

  it('refuses links that are forged, cut or old, and forms that are none', async () => {
    const { id, requests } = await seal('refusing', 1);
    const good = link(id);
    const forged = good.replace(/\/1\//, '/2/');
    for (const url of [forged, good.slice(0, -1), `${good}A`, `${base}/answer/`, `${base}/answer/x/1/2/3`])
      expect((await fetch(url)).status).toBe(404);
    expect((await post(forged, { [`outcome-${requests[0]!.id}`]: 'AVAILABLE' })).status).toBe(404);
    expect((await fetch(link(id, 1, 1_000_000))).status).toBe(410);
    expect((await post(good, { [`outcome-${requests[0]!.id}`]: 'PERHAPS' })).status).toBe(400);
    expect(
      (
        await post(good, {
          [`outcome-${requests[0]!.id}`]: 'AVAILABLE',
          [`note-${requests[0]!.id}`]: 'x'.repeat(2_001),
        })
      ).status,
    ).toBe(400);
    expect(
      (await fetch(good, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).status,
    ).toBe(400);
    expect((await fetch(good, { method: 'DELETE' })).status).toBe(405);
    const large = { [`note-${requests[0]!.id}`]: 'x'.repeat(1_000_001) };
    expect((await post(good, large)).status).toBe(413);
    expect((await services().findRequest(supervisor, requests[0]!.id)).answer).toBeNull();
    const open = await submit(engine.foundation, 'refusing');
    expect((await fetch(link((await digestOf(engine.foundation, open.id)).id))).status).toBe(404);
  });
});
