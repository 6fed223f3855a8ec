import { describe, expect, it } from 'vitest';
import {
  consumerName,
  eventFilter,
  eventSubject,
  headFilter,
  headSubject,
  parseConsumerName,
  parseEventSubject,
  parseHeadSubject,
  parseRelayWakeSubject,
  parseTicketSubject,
  relayWakeSubject,
  streamOf,
  ticketSubject,
} from '../../src/jetstream/subjects.ts';

const topic = { system: 'cases', namespace: 'acme', topic: 'kyc-eu' } as const;

describe('subjects', () => {
  it('are built and read back', () => {
    expect(ticketSubject(topic)).toBe('cases.acme.kyc-eu');
    expect(parseTicketSubject('cases.acme.kyc-eu')).toEqual(topic);
    expect(streamOf('queue')).toBe('QUEUE');
    expect(consumerName(topic)).toBe('acme_kyc-eu');
    expect(parseConsumerName('acme_kyc-eu')).toEqual({ namespace: 'acme', topic: 'kyc-eu' });
    expect(eventSubject({ ...topic, system: 'digests' })).toBe('events.digests.acme.kyc-eu');
    expect(parseEventSubject('events.digests.acme.kyc-eu')).toEqual({ ...topic, system: 'digests' });
    expect(headSubject({ shard: 12, ...topic })).toBe('caseload.head.12.cases.acme.kyc-eu');
    expect(parseHeadSubject('caseload.head.12.cases.acme.kyc-eu')).toEqual({ shard: 12, ...topic });
    expect(relayWakeSubject(3)).toBe('caseload.wake.relay.3');
    expect(parseRelayWakeSubject('caseload.wake.relay.3')).toBe(3);
  });

  it('filter what is named and match anything else', () => {
    expect(eventFilter()).toBe('events.*.*.*');
    expect(eventFilter({ system: 'cases', namespace: 'acme' })).toBe('events.cases.acme.*');
    expect(eventFilter(topic)).toBe('events.cases.acme.kyc-eu');
    expect(headFilter()).toBe('caseload.head.*.*.*.*');
    expect(headFilter(7)).toBe('caseload.head.7.*.*.*');
  });

  it.each(['*', '>', 'a.b', 'a b', '', 'A', 'a_b', '-a', 'a\r\nPUB x', 'a'.repeat(64)])(
    'refuse %j as a name',
    (name) => {
      expect(() => ticketSubject({ ...topic, topic: name })).toThrow(RangeError);
      expect(() => ticketSubject({ ...topic, namespace: name })).toThrow(RangeError);
      expect(() => consumerName({ ...topic, namespace: name })).toThrow(RangeError);
      expect(() => eventSubject({ ...topic, topic: name })).toThrow(RangeError);
      expect(() => eventFilter({ namespace: name })).toThrow(RangeError);
      expect(() => headSubject({ shard: 0, ...topic, topic: name })).toThrow(RangeError);
    },
  );

  it.each(['cases.acme', 'cases.acme.kyc.more', 'mail.acme.kyc', 'cases.acme.*', 'cases..kyc'])(
    'do not take %j for a ticket',
    (subject) => {
      expect(parseTicketSubject(subject)).toBeUndefined();
    },
  );

  it.each(['acme', 'acme_kyc_eu', 'acme_', '_kyc', 'acme_K'])('do not take %j for a topic consumer', (name) => {
    expect(parseConsumerName(name)).toBeUndefined();
  });

  it.each([
    'caseload.head.x.cases.acme.kyc',
    'caseload.head.1.cases.acme',
    'caseload.tail.1.cases.acme.kyc',
    'caseload.head.10000.cases.a.b',
  ])('do not take %j for a head hint', (subject) => {
    expect(parseHeadSubject(subject)).toBeUndefined();
  });

  it('refuse what is not a shard', () => {
    expect(() => headSubject({ shard: -1, ...topic })).toThrow(RangeError);
    expect(() => relayWakeSubject(1.5)).toThrow(RangeError);
    expect(parseRelayWakeSubject('caseload.wake.relay.*')).toBeUndefined();
  });
});
