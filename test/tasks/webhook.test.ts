import { createHmac } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/log.ts';
import type { PrivateAddresses } from '../../src/tasks/handlers/public-address.ts';
import { mayCall } from '../../src/tasks/handlers/public-address.ts';
import { createWebhook, webhookKey } from '../../src/tasks/handlers/webhook.ts';
import { FatalTaskError } from '../../src/tasks/task-handler.ts';

interface Call {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const secret = 'a secret of the tests with more than 32 characters';
const calls: Call[] = [];
let answer: (response: ServerResponse) => void;
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    calls.push({ headers: request.headers, body });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterAll(() => server.close());
beforeEach(() => {
  calls.length = 0;
  answer = (response) => response.writeHead(204).end();
});

function call(
  payload: unknown,
  privateAddresses: PrivateAddresses = 'loopback',
  signal = new AbortController().signal,
) {
  const handler = createWebhook({ webhooks: { secret, privateAddresses } });
  return handler.run(handler.parsePayload('payload', payload), {
    taskId: '01a1fb1a-64c8-7000-8000-03a5f31dfca9',
    jobId: '01a1fb1a-64c8-7000-8000-03a5f31dfcaa',
    namespace: 'acme',
    attempt: 1,
    maxAttempts: 3,
    signal,
    log: createLogger('test', 'fatal'),
  });
}

describe('webhook', () => {
  it('posts the body as JSON, with a key that stays the same and a signature that the receiver can check', async () => {
    const body = { order: 17, text: 'naïve ✓' };
    expect(await call({ url, body })).toEqual({ status: 204 });
    await call({ url, body });
    expect(JSON.parse(calls[0]!.body)).toEqual(body);
    for (const { headers, body: text } of calls) {
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'idempotency-key': '01a1fb1a-64c8-7000-8000-03a5f31dfca9',
        'webhook-id': '01a1fb1a-64c8-7000-8000-03a5f31dfca9',
      });
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
      const expected = createHmac('sha256', webhookKey(secret, 'acme')).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    }
    expect(webhookKey(secret, 'acme')).not.toEqual(webhookKey(secret, 'other'));
  });

  it.each([301, 307, 308, 400, 404, 410, 422])('gives up at once on %i', async (status) => {
    answer = (response) => response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end();
    await expect(call({ url })).rejects.toBeInstanceOf(FatalTaskError);
    expect(calls).toHaveLength(1);
  });

  it.each([408, 429, 500, 503])('tries again later on %i', async (status) => {
    answer = (response) => response.writeHead(status).end();
    await expect(call({ url })).rejects.toThrow(`answered ${status}`);
    await expect(call({ url })).rejects.not.toBeInstanceOf(FatalTaskError);
  });

  it('tries again later when the connection breaks, and when nobody listens', async () => {
    answer = (response) => response.destroy();
    await expect(call({ url })).rejects.not.toBeInstanceOf(FatalTaskError);
    await expect(call({ url: 'http://127.0.0.1:1/' })).rejects.not.toBeInstanceOf(FatalTaskError);
  });

  it('does not read an endless answer', async () => {
    const closed = Promise.withResolvers<void>();
    answer = (response) => {
      response.on('close', closed.resolve);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    };
    expect(await call({ url })).toEqual({ status: 200 });
    await closed.promise;
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    answer = () => stop.abort();
    await expect(call({ url }, 'loopback', stop.signal)).rejects.toThrow(/abort/i);
  });

  it('refuses private addresses before anything is sent, names that lead to them too', async () => {
    const port = new URL(url).port;
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0'])
      await expect(call({ url: `http://${host}:${port}/` }, 'none')).rejects.toThrow(/not on the public internet/);
    for (const host of ['10.1.2.3', '169.254.169.254', '192.168.0.1', '[fd00::1]', '[fe80::1]', '[::ffff:a9fe:a9fe]'])
      await expect(call({ url: `http://${host}/` })).rejects.toBeInstanceOf(FatalTaskError);
    expect(calls).toEqual([]);
  });

  it('connects to the address that was checked: a host that is only a name to the server works', async () => {
    expect(await call({ url: url.replace('127.0.0.1', 'localhost') })).toEqual({ status: 204 });
    expect(calls[0]?.headers.host).toMatch(/^localhost:/);
  });

  it.each([
    ['no URL', {}],
    ['another scheme', { url: 'file:///etc/passwd' }],
    ['a password', { url: 'http://user:secret@example.com/' }],
    ['a long one', { url: `http://example.com/${'x'.repeat(2_000)}` }],
  ])('refuses %s', (_what, payload) => {
    const handler = createWebhook({ webhooks: { secret, privateAddresses: 'none' } });
    expect(() => handler.parsePayload('payload', payload)).toThrow(/payload\.url/);
  });
});

describe('mayCall', () => {
  it.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '8.8.8.8'])('lets %s pass', (address) => {
    expect(mayCall(address, 'none')).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '2001:db8::1',
    'not an address',
  ])('refuses %s', (address) => {
    expect(mayCall(address, 'none')).toBe(false);
  });

  it('lets an IPv4 address pass in its IPv6 form only when it passes itself', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        if (mayCall(`::ffff:${address}`, 'none')) expect(mayCall(address, 'none')).toBe(true);
      }),
    );
  });
});
