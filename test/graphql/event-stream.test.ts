import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as sendRequest } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningGateway } from './gateways.ts';
import { exchange, post, startGateway, token } from './gateways.ts';
import { counts, secretText, seen } from './small-schema.ts';

let running: RunningGateway;

beforeAll(async () => {
  running = await startGateway();
});

afterAll(async () => {
  await running.gateway.stop(1_000);
});

const stream = { accept: 'text/event-stream' };

/** Opens a stream and leaves it open; `close` goes away as a browser does. */
async function open(query: string, authorization?: string): Promise<{ response: IncomingMessage; close: () => void }> {
  const sent = await post({ query }, { ...stream, ...(authorization === undefined ? {} : { authorization }) });
  const request = sendRequest({
    port: running.port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/graphql',
    headers: sent.headers,
    agent: false,
  });
  request.on('error', () => undefined);
  request.end(sent.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { response, close: () => request.destroy() };
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return text;
}

function readEvents(text: string): readonly unknown[] {
  return [...text.matchAll(/^event: next\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
}

describe('a subscription', () => {
  test('by POST gives its events and ends', async () => {
    const answer = await exchange(running.port, await post({ query: 'subscription { ticks(until: 3) }' }, stream));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(readEvents(answer.body)).toEqual([1, 2, 3].map((ticks) => ({ data: { ticks } })));
    expect(answer.body).toMatch(/event: complete\ndata:\n\n$/);
  });

  test('by GET does the same', async () => {
    const query = new URLSearchParams({ query: 'subscription A($n: Int!) { ticks(until: $n) }', variables: '{"n":2}' });
    const headers = { ...stream, authorization: `Bearer ${await token()}` };
    const answer = await exchange(running.port, { method: 'GET', path: `/graphql?${query}`, headers });
    expect(readEvents(answer.body)).toEqual([{ data: { ticks: 1 } }, { data: { ticks: 2 } }]);
  });

  test('that is not allowed says so in the stream', async () => {
    const answer = await exchange(running.port, await post({ query: 'subscription { operated }' }, stream));
    expect(readEvents(answer.body)).toMatchObject([{ errors: [{ extensions: { code: 'FORBIDDEN' } }] }]);
  });

  test('that breaks off ends with INTERNAL and no more', async () => {
    const answer = await exchange(running.port, await post({ query: 'subscription { breaksOff }' }, stream));
    expect(answer.body).not.toContain(secretText);
    expect(readEvents(answer.body)).toMatchObject([
      { data: { breaksOff: 1 } },
      { errors: [{ extensions: { code: 'INTERNAL' } }] },
    ]);
    expect(answer.body).toMatch(/event: complete\ndata:\n\n$/);
  });

  test('that is refused before it starts is JSON with its status', async () => {
    const answer = await exchange(running.port, await post({ query: 'subscription { tick }' }, stream));
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toContain('GRAPHQL_VALIDATION_FAILED');
  });

  test('whose client goes away is freed, though it waits for an event that never comes', async () => {
    const silent = once(seen, 'silent');
    const { close } = await open('subscription { silent }');
    await silent;
    const silenced = once(seen, 'silenced');
    close();
    await silenced;
  });

  test('is kept alive while nothing happens', async () => {
    const { response, close } = await open('subscription { silent }');
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(String(first)).toBe(':\n\n');
    close();
  });

  test('ends with its token', async () => {
    const { response } = await open('subscription { silent }', `Bearer ${await token(['applicant'], 2)}`);
    const text = await readAll(response);
    expect(readEvents(text)).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
  });

  test('does not run ahead of a client that does not read', async () => {
    const { response, close } = await open('subscription { floods }');
    response.pause();
    await once(seen, 'flooded');
    // The flood goes on until the buffers of both sides are full, then stands still.
    let before = -1;
    while (before !== counts.flooded) {
      before = counts.flooded;
      await wait(200);
    }
    expect(counts.flooded).toBeLessThan(200);
    close();
  });
});

test('a query answers in a stream when that is all its client takes', async () => {
  const answer = await exchange(running.port, await post({ query: '{ hello }' }, stream));
  expect(readEvents(answer.body)).toEqual([{ data: { hello: 'hello alice' } }]);
});
