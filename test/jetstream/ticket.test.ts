import type { Msg } from 'nats';
import { describe, expect, it } from 'vitest';
import { decodeTicket, encodeTicket, parseReplySubject } from '../../src/jetstream/ticket.ts';

const ticket = {
  system: 'cases',
  namespace: 'acme',
  topic: 'kyc',
  shard: 3,
  itemId: 'item-1',
  priority: -2_147_483_648,
} as const;
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function delivered(message: Partial<Msg>): Msg {
  return message as Msg;
}

describe('a ticket', () => {
  it('names its item in headers and has no payload', () => {
    const { subject, headers, payload } = encodeTicket({ ...ticket, traceparent });
    expect(subject).toBe('cases.acme.kyc.3');
    expect(payload).toBeUndefined();
    expect(Object.fromEntries([...headers].map(([key, values]) => [key, values.join()]))).toEqual({
      'Caseload-Item': 'item-1',
      'Caseload-Priority': '-2147483648',
      'Caseload-Shard': '3',
      traceparent,
    });
  });

  it.each(['', 'nonsense', `${traceparent}\r\nNats-Rollup: all`])(
    'leaves out a trace context that is none: %j',
    (broken) => {
      expect(encodeTicket({ ...ticket, traceparent: broken }).headers.has('traceparent')).toBe(false);
    },
  );

  it('is read back', () => {
    const { headers } = encodeTicket({ ...ticket, traceparent });
    const reply = '$JS.ACK.CASES.acme_kyc.2.17.21.1795212792651979902.5';
    expect(decodeTicket(delivered({ reply, headers }))).toEqual({
      replySubject: reply,
      stream: 'CASES',
      consumer: 'acme_kyc',
      streamSequence: 17,
      deliveryCount: 2,
      itemId: 'item-1',
      priority: -2_147_483_648,
      shard: 3,
      traceparent,
    });
  });

  it('is read without hints when somebody published it by hand', () => {
    const read = decodeTicket(delivered({ reply: '$JS.ACK.CASES.acme_kyc.1.1.1.1.0', headers: undefined }));
    expect(read).toMatchObject({
      deliveryCount: 1,
      itemId: undefined,
      priority: undefined,
      shard: undefined,
      traceparent: undefined,
    });
  });

  it('is not a message without a delivery', () => {
    expect(decodeTicket(delivered({ reply: '' }))).toBeUndefined();
    expect(decodeTicket(delivered({ reply: '_INBOX.abc.1' }))).toBeUndefined();
  });
});

describe('the subject that acknowledges a delivery', () => {
  it.each([
    ['the short form', '$JS.ACK.CASES.acme_kyc.2.17.21.1795212792651979902.5'],
    ['the form with domain and account', '$JS.ACK._.F3d9aa.CASES.acme_kyc.2.17.21.1795212792651979902.5'],
    ['that form with more at the end', '$JS.ACK.hub.F3d9aa.CASES.acme_kyc.2.17.21.1795212792651979902.5.r4nd0m'],
  ])('is read in %s', (_form, subject) => {
    expect(parseReplySubject(subject)).toEqual({
      stream: 'CASES',
      consumer: 'acme_kyc',
      streamSequence: 17,
      deliveryCount: 2,
    });
  });

  it.each([
    '',
    '$JS.ACK',
    '$JS.ACK.CASES.c.1.2.3.4',
    '$JS.ACK.a.CASES.c.1.2.3.4.5',
    '$JS.API.CASES.c.1.2.3.4.5',
    '$JS.ACK.CASES.c.x.2.3.4.5',
  ])('is not %j', (subject) => {
    expect(parseReplySubject(subject)).toBeUndefined();
  });
});
