import { describe, expect, it } from 'vitest';
import type { SeenDigest } from '../../src/replay/compare-digests.ts';
import { compareDigests } from '../../src/replay/compare-digests.ts';
import { planReplay } from '../../src/replay/plan-replay.ts';
import { purchaseRequestsFile, readPurchaseRequests } from '../../src/replay/purchase-requests.ts';

const hours = 3_600_000;
const requests = readPurchaseRequests(purchaseRequestsFile);
const plan = planReplay(requests, 4 * hours);

/** What a system that does everything right would show. */
function rightDigests(): SeenDigest[] {
  return [...plan.digests].map(([key, lines]) => ({ key, status: 'SENT', parts: 1, lines, mails: ['SENT'] }));
}

describe('the plain calculation over the file', () => {
  it('puts every request into one digest of its provider and its four hours', () => {
    expect(requests).toHaveLength(4_000);
    expect([...plan.digests.values()].flat().sort((a, b) => a - b)).toEqual(requests.map((request) => request.line));
    const first = Math.floor(Date.parse('2010-12-01T08:00:00Z') / (4 * hours));
    for (const { request, window } of plan.steps) {
      expect(Math.floor(request.at / (4 * hours)) - first).toBe(window);
      expect(plan.digests.get(`${request.provider}/${window}`)).toContain(request.line);
    }
  });
});

describe('the comparison', () => {
  it('finds nothing where all is right', () => {
    expect(compareDigests(plan, rightDigests())).toMatchObject({
      requests: 4_000,
      digestsExpected: plan.digests.size,
      digestsSent: plan.digests.size,
      differences: [],
    });
  });

  const change = (of: (digest: SeenDigest) => Partial<SeenDigest>): SeenDigest[] => {
    const [first, ...rest] = rightDigests();
    return [{ ...first!, ...of(first!) }, ...rest];
  };
  it.each([
    ['a lost request', () => change((digest) => ({ lines: digest.lines.slice(1) })), /is in no digest/],
    ['one in two digests', () => change((digest) => ({ lines: [...digest.lines, 4_000] })), /is in several/],
    ['one in a wrong window', () => change((digest) => ({ key: digest.key.replace(/\d+$/, '77') })), /instead of/],
    ['a digest too many', () => [...rightDigests(), rightDigests()[0]!], /there are 2 digests/],
    ['a missing digest', () => rightDigests().slice(1), /there is no digest/],
    ['one that was not sent', () => change(() => ({ status: 'SEALED' })), /is SEALED/],
    ['a second mail', () => change(() => ({ mails: ['SENT', 'SENT'] })), /1 parts and 2 mails/],
    ['a mail that did not go', () => change(() => ({ mails: ['UNCERTAIN'] })), /1 mails, 0 of them sent/],
  ])('finds %s', (_what, seen, difference) => {
    expect(compareDigests(plan, seen()).differences.join('\n')).toMatch(difference);
  });
});
