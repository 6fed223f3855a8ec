import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/load/random.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { Players } from '../support/players.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';
import type { CutMoment } from '../support/tcp-proxy.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

limitTime();

/**
 * The connection to PostgreSQL breaks after a statement was sent and before its answer arrives: nobody knows whether it
 * was committed. The same request under the same key must then have one effect and give one answer.
 */

const seed = announceSeed('ambiguous commit');
const rounds = size(10, 250);
const together = 4;
let system: TestSystem;
let proxy: TcpProxy;
let gateway: RunningProgram;

beforeAll(async () => {
  system = await TestSystem.start();
  proxy = await TcpProxy.start(Number(new URL(system.databaseUrl).port));
  const proxied = new URL(system.databaseUrl);
  proxied.port = String(proxy.port);
  gateway = await system.runGateway({ DATABASE_URLS: proxied.href });
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
  await proxy.close();
});

const random = createRandom(seed, 'moments');
const someMoment = (): CutMoment => (random() < 0.5 ? 'request sent' : 'answer there');

/** Named twice, the gateway is asked again at once instead of after a second. */
function startPlayers(namespace: string): Players {
  return new Players(system.target(gateway, gateway), namespace, seed);
}

describe('a statement whose answer never came', () => {
  test('of a registration: one case, one answer', async () => {
    const players = startPlayers('cut-register');
    const applicant = await players.join('applicant-1', 'applicant');
    await applicant.register();
    const before = proxy.cuts;
    for (let round = 0; round < rounds; round++) {
      proxy.cutNext('register-cases', someMoment());
      const keys = Array.from({ length: together }, (_, n) => `round-${round}-${n}`);
      const first = await Promise.all(keys.map((key) => applicant.askToRegister(key)));
      const again = await Promise.all(keys.map((key) => applicant.askToRegister(key)));
      expect(again).toEqual(first);
    }
    expect(proxy.cuts - before).toBe(rounds);
    expect((await players.judge()).violations).toEqual([]);
    players.close();
  });

  test('of a decision: one decision, one answer', async () => {
    const players = startPlayers('cut-decide');
    const applicant = await players.join('applicant-1', 'applicant');
    const auditors = await Promise.all(
      Array.from({ length: together }, (_, n) => players.join(`auditor-${n + 1}`, 'auditor')),
    );
    const before = proxy.cuts;
    for (let round = 0; round < rounds; round++) {
      await Promise.all(auditors.map(() => applicant.register()));
      const held = await Promise.all(auditors.map((auditor) => auditor.claim(60, 10_000)));
      proxy.cutNext('decide-cases', someMoment());
      const decide = () =>
        Promise.all(auditors.map((auditor, n) => auditor.decide(held[n]!, 'REJECT', `round-${round}`)));
      const first = await decide();
      expect(first.map(({ type }) => type)).toEqual(auditors.map(() => 'CaseDecided'));
      expect(await decide()).toEqual(first);
    }
    expect(proxy.cuts - before).toBe(rounds);
    expect((await players.judge()).violations).toEqual([]);
    players.close();
  });

  test('of a claim: one lease, found again', async () => {
    const players = startPlayers('cut-claim');
    const applicant = await players.join('applicant-1', 'applicant');
    const auditors = await Promise.all(
      Array.from({ length: together }, (_, n) => players.join(`auditor-${n + 1}`, 'auditor')),
    );
    const before = proxy.cuts;
    for (let round = 0; round < rounds; round++) {
      await Promise.all(auditors.map(() => applicant.register()));
      proxy.cutNext('claim-cases', someMoment());
      const held = await Promise.all(auditors.map((auditor) => auditor.claim(60, 10_000)));
      expect(new Set(held.map((lease) => lease?.caseId)).size).toBe(together);
      await Promise.all(auditors.map((auditor, n) => auditor.decide(held[n]!)));
    }
    expect(proxy.cuts - before).toBe(rounds);
    expect((await players.judge()).violations).toEqual([]);
    players.close();
  });
});
