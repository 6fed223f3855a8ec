import { describe, expect, test } from 'vitest';
import { leaseOf, Story } from './story.ts';

const lease = leaseOf(1_000, 11_000);

/** One case, claimed by ann and decided. */
function good(): Story {
  return new Story().registered(0).claimed(1_000, 'ann', 1, 11_000).decided(2_000, 'ann', 1, lease);
}

/** One case, claimed by ann, whose lease ends; then by ben, who decides. */
function handedOn(): Story {
  return new Story()
    .registered(0)
    .claimed(1_000, 'ann', 1, 11_000)
    .event(11_020, 'LEASE_EXPIRED', 'ann', 1, 11_000)
    .claimed(11_030, 'ben', 2, 21_030)
    .decided(12_000, 'ben', 2, leaseOf(11_030, 21_030), 'REJECT');
}

describe('the history checker finds nothing in', () => {
  const stories: Readonly<Record<string, () => Story>> = {
    'a case that is claimed and decided': good,
    'a lease that ends, and a late decision that is refused': () =>
      handedOn().tell(11_500, 'ann', 'decide', 'fail', 'LeaseLost', { key: 'late', lease, verdict: 'APPROVE' }),
    'a lease that was extended': () =>
      new Story()
        .registered(0)
        .claimed(1_000, 'ann', 1, 11_000)
        .event(5_000, 'LEASE_EXTENDED', 'ann', 1, 15_000)
        .decided(14_000, 'ann', 1, lease),
    'a case that is released and taken by another': () =>
      new Story()
        .registered(0)
        .claimed(1_000, 'ann', 1, 11_000)
        .event(2_000, 'RELEASED', 'ann', 1)
        .tell(2_000, 'ann', 'release', 'ok', 'CaseReleased', { lease })
        .claimed(2_001, 'ben', 2, 12_001)
        .decided(3_000, 'ben', 2, leaseOf(2_001, 12_001)),
    'a registration without an answer that was not done': () => {
      const story = new Story().tell(0, 'applicant', 'register', 'unknown', 'ECONNRESET', {
        key: 'register-2',
        caseId: null,
      });
      story.row = undefined;
      return story;
    },
    'a registration without an answer that was done': () => {
      const story = new Story().event(0, 'REGISTERED', 'applicant');
      return story.tell(0, 'applicant', 'register', 'unknown', 'ECONNRESET', { key: 'register-1', caseId: null });
    },
    'a decision without an answer, repeated under its key': () =>
      good().tell(1_900, 'ann', 'decide', 'unknown', 'UNAVAILABLE', { key: 'decide-ann', lease, verdict: 'APPROVE' }),
    'a decision that did not get through at first': () =>
      good().tell(1_900, 'ann', 'decide', 'fail', 'ECONNREFUSED', { key: 'decide-ann', lease, verdict: 'APPROVE' }),
    'a claim without an answer, found again': () =>
      good().tell(1_500, 'ann', 'claim', 'ok', 'ClaimLimitReached', { lease: { ...lease, serverTimeMs: 1_500 } }),
    'a wait for a case that the waiter may not take': () =>
      new Story()
        .registered(0)
        .claimed(1_000, 'ann', 1, 2_000)
        .event(2_010, 'LEASE_EXPIRED', 'ann', 1, 2_000)
        .item('ready', 1)
        .tell(20_000, 'ann', 'claim', 'fail', 'NoCaseAvailable', { startedMs: 3_000, endedMs: 33_000, caseId: null }),
    'a wait while a server was down': () => {
      const story = new Story().registered(0);
      story.disturbances.push({ what: 'postgres', fromMs: 2_000, toMs: 12_000 });
      return story
        .tell(0, 'ann', 'claim', 'unknown', 'UNAVAILABLE', { startedMs: 0, endedMs: 20_000, caseId: null })
        .claimed(20_000, 'ann', 1, 30_000);
    },
    'updates that all came': () => good().watched(1, 2, 3),
  };
  test.each(Object.entries(stories))('%s', (_name, story) => {
    expect(story().judge()).toEqual([]);
  });
});

describe('the history checker finds', () => {
  const gone = (): Story => {
    const story = good();
    story.row = undefined;
    return story;
  };
  const stories: readonly (readonly [kind: string, name: string, story: () => Story])[] = [
    ['lost', 'an acknowledged case that is not in the record', gone],
    ['lost', 'a case that is neither decided nor open', () => new Story().registered(0).item(null, 0)],
    ['decided twice', 'two decisions in the ledger', () => good().event(3_000, 'REJECTED', 'ben', 1)],
    [
      'decided twice',
      'two people who were told that they decided it',
      () => good().tell(3_000, 'ben', 'decide', 'ok', 'CaseDecided', { key: 'decide-ben', verdict: 'APPROVE' }),
    ],
    [
      'held by two at once',
      'a lease that begins before the last one has ended',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 11_000)
          .claimed(10_999, 'ben', 2, 20_999)
          .decided(12_000, 'ben', 2, leaseOf(10_999, 20_999)),
    ],
    [
      'held by two at once',
      'a lease that begins before the end of one that was extended',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 11_000)
          .event(5_000, 'LEASE_EXTENDED', 'ann', 1, 15_000)
          .claimed(12_000, 'ben', 2, 22_000)
          .decided(13_000, 'ben', 2, leaseOf(12_000, 22_000)),
    ],
    [
      'acted without a live lease',
      'a decision after the end of the lease',
      () => new Story().registered(0).claimed(1_000, 'ann', 1, 11_000).decided(11_005, 'ann', 1, lease),
    ],
    [
      'acted without a live lease',
      'a decision by an earlier holder',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 11_000)
          .event(11_020, 'LEASE_EXPIRED', 'ann', 1, 11_000)
          .claimed(11_030, 'ben', 2, 21_030)
          .decided(12_000, 'ann', 2, lease),
    ],
    [
      'acted without a live lease',
      'a decision under an earlier attempt',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 11_000)
          .event(11_020, 'LEASE_EXPIRED', 'ann', 1, 11_000)
          .claimed(11_030, 'ann', 2, 21_030)
          .decided(12_000, 'ann', 1, leaseOf(11_030, 21_030)),
    ],
    [
      'acted without a live lease',
      'a release by nobody',
      () => new Story().registered(0).event(2_000, 'RELEASED', 'ann', 1),
    ],
    [
      'lease ended early',
      'a lease that the ledger ends before its time',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 11_000)
          .event(9_000, 'LEASE_EXPIRED', 'ann', 1, 11_000)
          .item('ready', 1),
    ],
    [
      'lease ended early',
      'a holder who is told that a living lease is lost',
      () => handedOn().tell(9_000, 'ann', 'decide', 'fail', 'LeaseLost', { key: 'early', lease, verdict: 'APPROVE' }),
    ],
    [
      'attempt out of order',
      'an attempt that does not count up',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 11_000)
          .event(11_020, 'LEASE_EXPIRED', 'ann', 1, 11_000)
          .claimed(11_030, 'ben', 1, 21_030)
          .decided(12_000, 'ben', 1, leaseOf(11_030, 21_030)),
    ],
    [
      'time went back',
      'a step before the one before it, from another clock',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 2_000)
          .event(4_000, 'LEASE_EXPIRED', 'ann', 1, 2_000)
          .claimed(2_500, 'ben', 2, 12_500)
          .decided(4_500, 'ben', 2, leaseOf(2_500, 12_500)),
    ],
    [
      'record contradicts itself',
      'a decision in the row that the ledger does not know',
      () => new Story().registered(0).decision('APPROVE', 'ann'),
    ],
    [
      'record contradicts itself',
      'a case that is decided and still open',
      () => {
        const story = good();
        return story.item('ready', 1);
      },
    ],
    [
      'answer contradicts the record',
      'a decision that was acknowledged and is not there',
      () => {
        const story = new Story().registered(0).claimed(1_000, 'ann', 1, 11_000);
        return story.tell(2_000, 'ann', 'decide', 'ok', 'CaseDecided', {
          key: 'decide-ann',
          lease,
          verdict: 'APPROVE',
        });
      },
    ],
    [
      'answer contradicts the record',
      'a decision that was acknowledged with another verdict',
      () => {
        const story = new Story().registered(0).claimed(1_000, 'ann', 1, 11_000).event(2_000, 'REJECTED', 'ann', 1);
        story.decision('REJECT', 'ann');
        return story.tell(2_000, 'ann', 'decide', 'ok', 'CaseDecided', {
          key: 'decide-ann',
          lease,
          verdict: 'APPROVE',
        });
      },
    ],
    [
      'answer contradicts the record',
      'a decision that was refused and is there',
      () => {
        const story = new Story().registered(0).claimed(1_000, 'ann', 1, 11_000).event(2_000, 'APPROVED', 'ann', 1);
        story.decision('APPROVE', 'ann');
        const details = { key: 'decide-ann', lease, verdict: 'APPROVE' } as const;
        return story
          .tell(1_990, 'ann', 'decide', 'unknown', 'ECONNRESET', details)
          .tell(2_100, 'ann', 'decide', 'fail', 'AlreadyDecided', details);
      },
    ],
    [
      'answer contradicts the record',
      'a case that was handed out without a lease',
      () => new Story().registered(0).tell(1_000, 'ann', 'claim', 'ok', 'CaseClaimed', { lease }),
    ],
    [
      'answer contradicts the record',
      'a release that was acknowledged and is not there',
      () => {
        const story = new Story().registered(0).claimed(1_000, 'ann', 1, 11_000);
        return story.tell(2_000, 'ann', 'release', 'ok', 'CaseReleased', { lease });
      },
    ],
    [
      'answer contradicts the record',
      'a registration that was refused and is there',
      () => {
        const story = new Story().event(0, 'REGISTERED', 'applicant');
        return story.tell(0, 'applicant', 'register', 'fail', 'BACKPRESSURE', { key: 'register-1', caseId: null });
      },
    ],
    [
      'key had two effects',
      'two answers under one key',
      () => good().tell(10, 'applicant', 'register', 'ok', 'CaseRegistered', { key: 'register-1', caseId: 'case-2' }),
    ],
    [
      'key had two effects',
      'two cases under one key, one of them never told of',
      () => {
        const story = good();
        story.moreRows.push({ ...story.row!, caseId: 'case-2' });
        return story;
      },
    ],
    [
      'stuck',
      'a free case while somebody waited for longer than five seconds',
      () =>
        new Story()
          .registered(0)
          .tell(0, 'ann', 'claim', 'fail', 'NoCaseAvailable', { startedMs: 10, endedMs: 5_500, caseId: null })
          .claimed(6_000, 'ann', 1, 16_000)
          .decided(6_100, 'ann', 1, leaseOf(6_000, 16_000)),
    ],
    [
      'stuck',
      'a free case while somebody asked again and again',
      () => {
        const story = new Story().registered(0);
        for (let at = 100; at < 7_000; at += 500)
          story.tell(at, 'ann', 'claim', 'fail', 'NoCaseAvailable', { caseId: null });
        return story.claimed(7_100, 'ann', 1, 17_000);
      },
    ],
    [
      'stuck',
      'a case whose lease ended and that nobody is given',
      () =>
        new Story()
          .registered(0)
          .claimed(1_000, 'ann', 1, 2_000)
          .tell(5_000, 'ben', 'claim', 'fail', 'NoCaseAvailable', { startedMs: 1_500, endedMs: 8_000, caseId: null }),
    ],
    ['update missed', 'an update that never came', () => good().watched(1, 3)],
    ['update missed', 'a watcher that got nothing', () => good().watched()],
    ['update doubled', 'an update that came twice', () => good().watched(1, 2, 2, 3)],
  ];
  test.each(stories)('%s: %s', (kind, _name, story) => {
    expect(story().judge()).toContain(kind);
  });
});
