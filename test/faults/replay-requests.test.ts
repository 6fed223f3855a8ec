import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OwnSystem } from '../../src/load/own-system.ts';
import { createRandom } from '../../src/load/random.ts';
import { killPrograms } from '../../src/replay/kill-programs.ts';
import { purchaseRequestsFile, readPurchaseRequests } from '../../src/replay/purchase-requests.ts';
import { replayRequests } from '../../src/replay/replay-requests.ts';
import { announceSeed, isLongForm, limitTime } from '../support/long-form.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { TestSystem } from '../support/system.ts';

limitTime();

let system: TestSystem;
let gateway: { readonly url: string };
beforeAll(async () => {
  system = await TestSystem.start();
  const environment = { MAIL_FOLDER: uniqueDirectory('replay-mail') };
  gateway = await system.runGateway(environment);
  await system.runScheduler();
  await system.runWorker(environment);
});
afterAll(async () => {
  await system.close();
});

test('hours of real requests give exactly the digests that a calculation over the file gives', async () => {
  const day = readPurchaseRequests(purchaseRequestsFile).filter((request) => request.at < Date.UTC(2010, 11, 1, 16));
  const result = await replayRequests(system.target(gateway), {
    requests: day.filter((_, index) => index % 3 === 0),
    namespace: 'acme',
    windowSeconds: 2,
    seed: 1,
    onProgress: () => undefined,
  });
  expect(result.differences).toEqual([]);
  expect(result.digestsSent).toBe(result.digestsExpected);
  expect(result.windows).toBe(2);
});

test.runIf(isLongForm)('so do all of them while gateways, schedulers and workers are killed at random', async () => {
  const seed = announceSeed('replay with kills');
  const directory = uniqueDirectory('replay-own');
  const own = await OwnSystem.start({
    directory,
    cacheDirectory: join(directory, 'cache'),
    gateways: 2,
    schedulers: 2,
    workers: 2,
    environment: { MAIL_FOLDER: join(directory, 'mail') },
    report: () => undefined,
  });
  try {
    const over = new AbortController();
    const killing = killPrograms(own.programs, 24, 60_000, createRandom(seed, 'kills'), over.signal);
    const result = await replayRequests(own, {
      requests: readPurchaseRequests(purchaseRequestsFile),
      namespace: 'acme',
      windowSeconds: 6,
      seed,
      onProgress: () => undefined,
    }).finally(() => over.abort());
    expect(result.differences).toEqual([]);
    expect([...(await killing).values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10);
  } finally {
    await own.close(false);
  }
});
