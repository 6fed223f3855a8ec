import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorker } from '../tasks/task-engine.ts';
import { digestOf, readMails, saveProvider, submit, untilDigest, untilRequest } from './digest-engine.ts';

const folder = uniqueDirectory('catch-up');
let engine: TestEngine;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  engine = await startEngine({ MAIL_FOLDER: folder });
  await engine.startScheduler();
});
afterAll(() => engine.stop());

it('after windows passed without any worker, each provider gets one mail for all of them, or one each', async () => {
  const { foundation } = engine;
  await saveProvider(foundation, 'merging', { window: { every: 'PT1S' } });
  await saveProvider(foundation, 'single', { window: { every: 'PT1S' }, catchUp: 'EACH' });
  const requests: { readonly merging: string; readonly single: string }[] = [];
  const windows = new Set<string>();
  while (windows.size < 3) {
    const merging = await submit(foundation, 'merging');
    const single = await submit(foundation, 'single');
    const digest = await digestOf(foundation, single.id);
    windows.add(digest.id);
    requests.push({ merging: merging.id, single: single.id });
    await waitUntil('the window is over', () => Date.now() >= digest.windowEnd.getTime());
  }
  const worker = await engine.another();
  const stop = await startWorker(worker, worker.taskHandlers);
  try {
    for (const { merging, single } of requests) {
      await untilRequest(foundation, merging, 'NOTIFIED');
      await untilRequest(foundation, single, 'NOTIFIED');
    }
    for (const id of windows) await untilDigest(foundation, id, 'SENT');
    const digests = new Set<string>();
    for (const { merging } of requests) digests.add((await digestOf(foundation, merging)).id);
    expect(digests.size).toBe(1);
    const mails = await readMails(folder);
    expect(mails.filter((mail) => mail.to?.[0]?.address === 'merging@example.com')).toHaveLength(1);
    expect(mails.filter((mail) => mail.to?.[0]?.address === 'single@example.com')).toHaveLength(windows.size);
  } finally {
    await stop();
  }
});
