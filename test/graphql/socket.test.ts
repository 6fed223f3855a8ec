import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ClientOptions } from 'ws';
import { WebSocket } from 'ws';
import type { RunningGateway } from './gateways.ts';
import { exchange, post, startGateway, token } from './gateways.ts';
import { counts, gate, secretText, seen } from './small-schema.ts';

let running: RunningGateway;
const opened: WebSocket[] = [];

beforeAll(async () => {
  running = await startGateway();
});

afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
});

afterAll(async () => {
  await running.gateway.stop(1_000);
});

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket whose messages are kept, to be taken in their order. */
interface TestSocket {
  readonly socket: WebSocket;
  send(message: unknown): void;
  take(): Promise<Message>;
  closed(): Promise<number>;
}

async function connectSocket(options: ClientOptions = {}, path = '/graphql'): Promise<TestSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${running.port}${path}`, 'graphql-transport-ws', options);
  opened.push(socket);
  const messages: Message[] = [];
  const takers: ((message: Message) => void)[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message;
    const taker = takers.shift();
    if (taker === undefined) messages.push(message);
    else taker(message);
  });
  const closing = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return {
    socket,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    take: () => {
      const message = messages.shift();
      return message === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(message);
    },
    closed: () => closing,
  };
}

async function openSession(
  roles: Parameters<typeof token>[0] = ['applicant'],
  expiresInSeconds = 600,
): Promise<TestSocket> {
  const session = await connectSocket();
  session.send({
    type: 'connection_init',
    payload: { authorization: `Bearer ${await token(roles, expiresInSeconds)}` },
  });
  expect(await session.take()).toEqual({ type: 'connection_ack' });
  return session;
}

function subscribe(id: string, query: string, variables?: unknown): Message {
  return { id, type: 'subscribe', payload: { query, ...(variables === undefined ? {} : { variables }) } };
}

/** The status of an upgrade that is refused. */
async function refusedUpgrade(headers: Readonly<Record<string, string>>, path = '/graphql'): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${running.port}${path}`, 'graphql-transport-ws', { headers });
  socket.on('error', () => undefined);
  const [, response] = await once(socket, 'unexpected-response');
  return response.statusCode;
}

describe('the way in', () => {
  test('a foreign origin is refused with 403', async () => {
    for (const origin of ['https://evil.example.com', 'null', 'https://app.example.com.evil.example.com']) {
      expect(await refusedUpgrade({ origin })).toBe(403);
    }
  });

  test('a listed origin, the own host and no origin at all are let in', async () => {
    for (const origin of ['https://app.example.com', `http://127.0.0.1:${running.port}`, undefined]) {
      const { socket } = await connectSocket(origin === undefined ? {} : { headers: { origin } });
      expect(socket.readyState).toBe(WebSocket.OPEN);
    }
  });

  test('another path is 404', async () => {
    expect(await refusedUpgrade({}, '/other')).toBe(404);
  });

  test('another protocol is closed with 4406', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${running.port}/graphql`);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(4406);
  });

  test('a handshake that is none leaves the gateway well', async () => {
    const connection = connect(running.port, '127.0.0.1');
    connection.on('error', () => undefined);
    connection.write('GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    const [data] = (await once(connection, 'data')) as [Buffer];
    expect(String(data)).toMatch(/^HTTP\/1\.1 400/);
    connection.destroy();
    await openSession();
  });
});

describe('the protocol', () => {
  test('a socket that says nothing is closed with 4408 after three seconds', async () => {
    const started = performance.now();
    const { closed } = await connectSocket();
    expect(await closed()).toBe(4408);
    expect(performance.now() - started).toBeGreaterThan(2_900);
  });

  test.each<readonly [string, number, readonly unknown[]]>([
    ['an operation before the token', 4401, [subscribe('1', '{ open }')]],
    ['a second init', 4429, [{ type: 'connection_init' }, { type: 'connection_init' }]],
    ['text that is not JSON', 4400, ['hello']],
    ['a message of no known type', 4400, [{ type: 'start' }]],
    [
      'variables that are a list',
      4400,
      [{ id: '1', type: 'subscribe', payload: { query: '{ open }', variables: [] } }],
    ],
    ['a query that is no text', 4400, [{ id: '1', type: 'subscribe', payload: { query: 7 } }]],
  ])('%s is closed with %i', async (_name, code, messages) => {
    const { send, closed } = await connectSocket();
    for (const message of messages) send(message);
    expect(await closed()).toBe(code);
  });

  test('an id that is in use is closed with 4409', async () => {
    const { send, closed } = await openSession();
    send(subscribe('1', 'subscription { silent }'));
    send(subscribe('1', 'subscription { silent }'));
    expect(await closed()).toBe(4409);
  });

  test('a frame of more than 64 KB is closed with 1009', async () => {
    const { send, closed, take } = await openSession();
    const message = (characters: number) => JSON.stringify(subscribe('1', '{ open }', { a: 'x'.repeat(characters) }));
    send(message(65_536 - message(0).length));
    expect(await take()).toMatchObject({ type: 'next' });
    send(message(65_537 - message(0).length));
    expect(await closed()).toBe(1009);
  });

  test('pings are answered', async () => {
    const { send, take } = await openSession();
    send({ type: 'ping' });
    expect(await take()).toEqual({ type: 'pong' });
  });
});

describe('tokens', () => {
  test('one that does not hold is closed with 4401', async () => {
    for (const authorization of ['Bearer wrong', '', 7]) {
      const { send, closed } = await connectSocket();
      send({ type: 'connection_init', payload: { authorization } });
      expect(await closed()).toBe(4401);
    }
  });

  test('no token lets do what is open only', async () => {
    const { send, take } = await connectSocket();
    send({ type: 'connection_init' });
    expect(await take()).toEqual({ type: 'connection_ack' });
    send(subscribe('1', '{ open }'));
    expect(await take()).toEqual({ id: '1', type: 'next', payload: { data: { open: 'open to all' } } });
    expect(await take()).toEqual({ id: '1', type: 'complete' });
    send(subscribe('2', 'subscription { ticks(until: 1) }'));
    expect(await take()).toMatchObject({
      id: '2',
      type: 'error',
      payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  test('the socket is closed with 4403 when its token runs out', async () => {
    const { send, closed } = await openSession(['applicant'], 2);
    send(subscribe('1', 'subscription { silent }'));
    const started = performance.now();
    const silenced = once(seen, 'silenced');
    expect(await closed()).toBe(4403);
    expect(performance.now() - started).toBeLessThan(2_000 + 5_000);
    await silenced;
  });

  test('a role that is missing is an error of the operation, and the socket stays', async () => {
    const { send, take } = await openSession();
    send(subscribe('1', 'subscription { operated }'));
    expect(await take()).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] });
    send(subscribe('2', '{ hello }'));
    expect(await take()).toMatchObject({ payload: { data: { hello: 'hello alice' } } });
  });
});

describe('operations', () => {
  test('a subscription gives its events and completes', async () => {
    const { send, take } = await openSession();
    send(subscribe('1', 'subscription A($n: Int!) { ticks(until: $n) }', { n: 2 }));
    expect(await take()).toEqual({ id: '1', type: 'next', payload: { data: { ticks: 1 } } });
    expect(await take()).toEqual({ id: '1', type: 'next', payload: { data: { ticks: 2 } } });
    expect(await take()).toEqual({ id: '1', type: 'complete' });
  });

  test.each<readonly [string, string, unknown, string]>([
    ['a syntax error', '{', undefined, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ helo }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['introspection', '{ __schema { queryType { name } } }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    [
      '31 aliases',
      `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: hello`).join(' ')} }`,
      undefined,
      'QUERY_TOO_COMPLEX',
    ],
    ['2,001 tokens', `{ ${'hello '.repeat(1_999)} }`, undefined, 'QUERY_TOO_COMPLEX'],
    ['a null character', 'query A($t: String) { echo(text: $t) }', { t: '\0' }, 'BAD_USER_INPUT'],
    ['two operations', 'query A { hello } query B { hello }', undefined, 'BAD_REQUEST'],
  ])('%s is an error frame', async (_name, query, variables, code) => {
    const { send, take } = await openSession();
    send(subscribe('1', query, variables));
    const message = await take();
    expect(message).toMatchObject({ id: '1', type: 'error' });
    expect((message.payload as { extensions: { code: string } }[])[0]?.extensions.code).toBe(code);
    expect(JSON.stringify(message)).not.toContain('Did you mean');
  });

  test('a wrong variable and an expensive page are error frames too', async () => {
    const { send, take } = await openSession();
    const codeAndField = async () => (await take()) as { type: string; payload: { extensions: unknown }[] };
    send(subscribe('1', 'query A($n: Int!) { echo(times: $n) }', { n: 'x' }));
    expect(await codeAndField()).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'BAD_USER_INPUT', field: 'times' } }],
    });
    const pages =
      'query A($n: Int) { things(first: $n) { edges { node { things(first: $n) { edges { node { id } } } } } } }';
    send(subscribe('2', pages, { n: 100 }));
    expect(await codeAndField()).toMatchObject({
      type: 'error',
      payload: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }],
    });
  });

  test('a fault is a result with errors', async () => {
    const { send, take } = await openSession();
    send(subscribe('3', '{ fails(kind: ERROR) }'));
    const fault = await take();
    expect(fault).toMatchObject({
      type: 'next',
      payload: { data: { fails: null }, errors: [{ extensions: { code: 'INTERNAL' } }] },
    });
    expect(JSON.stringify(fault)).not.toContain(secretText);
  });

  test('an id may be used again as soon as its operation is given up', async () => {
    const { send, take } = await openSession();
    for (let round = 0; round < 20; round++) {
      const silent = once(seen, 'silent');
      send(subscribe('1', 'subscription { silent }'));
      await silent;
      send({ id: '1', type: 'complete' });
    }
    send(subscribe('2', 'subscription { ticks(until: 1) }'));
    expect(await take()).toMatchObject({ id: '2', type: 'next' });
  });

  test('the 51st operation at a time is refused, and a place that is free again is given', async () => {
    const { send, take } = await openSession();
    for (let number = 1; number <= 50; number++) {
      const silent = once(seen, 'silent');
      send(subscribe(String(number), 'subscription { silent }'));
      await silent;
    }
    send(subscribe('51', 'subscription { silent }'));
    const refused = {
      id: '51',
      type: 'error',
      payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: 1_000 } }],
    };
    expect(await take()).toMatchObject(refused);
    const silenced = once(seen, 'silenced');
    send({ id: '7', type: 'complete' });
    await silenced;
    send(subscribe('52', 'subscription { ticks(until: 1) }'));
    expect(await take()).toMatchObject({ id: '52', type: 'next' });
  });

  test('a mutation whose client gives up is told, and one whose socket goes away too', async () => {
    const { socket, send } = await openSession();
    for (const giveUp of [() => send({ id: '1', type: 'complete' }), () => socket.terminate()]) {
      const waiting = once(seen, 'waiting');
      send(subscribe('1', 'mutation { wait }'));
      await waiting;
      const abandoned = once(seen, 'abandoned');
      giveUp();
      await abandoned;
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  test('a mutation is answered', async () => {
    const { send, take } = await openSession();
    const waiting = once(seen, 'waiting');
    send(subscribe('1', 'mutation { wait }'));
    await waiting;
    gate.emit('answer');
    expect(await take()).toMatchObject({ payload: { data: { wait: 'answered' } } });
  });
});

describe('clients that are gone', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('without saying so are noticed at the second ping', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { socket, closed } = await connectSocket({ autoPong: false });
    const pinged = once(socket, 'ping');
    vi.advanceTimersByTime(12_000);
    await pinged;
    vi.advanceTimersByTime(12_000);
    expect(await closed()).toBe(1006);
  });

  test('while those that answer stay', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { socket, send, take } = await openSession();
    for (let round = 0; round < 3; round++) {
      const pinged = once(socket, 'ping');
      vi.advanceTimersByTime(12_000);
      await pinged;
      // What is sent after the pong arrives after it.
      send({ type: 'ping' });
      expect(await take()).toEqual({ type: 'pong' });
    }
  });
});

describe('slow clients', () => {
  test('a subscription stands still while its client does not read', async () => {
    const { socket, send } = await openSession();
    const before = counts.flooded;
    const flooded = once(seen, 'flooded');
    socket.pause();
    send(subscribe('1', 'subscription { floods }'));
    await flooded;
    let last = -1;
    while (last !== counts.flooded) {
      last = counts.flooded;
      await wait(200);
    }
    expect(counts.flooded - before).toBeLessThan(200);
  });

  test('a client that asks without reading is closed with 1013', async () => {
    const { socket, send, closed } = await openSession();
    socket.pause();
    const text = 'x'.repeat(30_000);
    for (let number = 1; number <= 2_000; number++) send({ type: 'ping', payload: { text } });
    // When the last has left here, the gateway has read all but what the system's buffers hold.
    await new Promise((resolve) => socket.send(JSON.stringify({ type: 'ping' }), resolve));
    socket.resume();
    expect(await closed()).toBe(1013);
  });
});

test('the usual client works, and comes back with a new token after 4403', async () => {
  let tokens = 0;
  const client = createClient({
    url: `ws://127.0.0.1:${running.port}/graphql`,
    webSocketImpl: WebSocket,
    retryWait: () => Promise.resolve(),
    connectionParams: async () => {
      tokens += 1;
      return { authorization: `Bearer ${await token(['applicant'], tokens === 1 ? 1 : 600)}` };
    },
  });
  const results = client.iterate({ query: 'subscription { silent }' });
  const silent = once(seen, 'silent');
  const first = results.next();
  await silent;
  await once(seen, 'silent');
  expect(tokens).toBe(2);
  await results.return?.();
  await first;
  await client.dispose();
});

describe('a client that is asked to wait', () => {
  const events = { accept: 'text/event-stream' };
  const kinds = [
    ['RATE_LIMITED', 1_500, 429, '2'],
    ['BACKPRESSURE', 250, 503, '1'],
    ['UNAVAILABLE', 2_000, 503, '2'],
  ] as const;

  test.each(kinds)('is told %s and the same time on every way in', async (code, retryAfterMs, status, retryAfter) => {
    const query = `{ mustNotFail(kind: ${code}) }`;
    const asked = { extensions: { code, retryAfterMs } };
    const session = await openSession();
    session.send(subscribe('1', query));
    expect(await session.take()).toMatchObject({ type: 'next', payload: { errors: [asked] } });

    const yoga = await startGateway({ fastPath: false });
    for (const { port } of [running, yoga]) {
      const answer = await exchange(port, await post({ query }, { accept: 'application/graphql-response+json' }));
      expect(JSON.parse(answer.body)).toMatchObject({ errors: [asked] });
      expect(answer).toMatchObject({ status, headers: { 'retry-after': retryAfter } });
      const stream = await exchange(port, await post({ query: `subscription { waits(kind: ${code}) }` }, events));
      expect(JSON.parse(/^data: (.*)$/m.exec(stream.body)![1]!)).toMatchObject({ errors: [asked] });
    }
    await yoga.gateway.stop(1_000);

    session.send(subscribe('2', `subscription { waits(kind: ${code}) }`));
    expect(await session.take()).toMatchObject({ type: 'complete', id: '1' });
    expect(await session.take()).toMatchObject({ type: 'error', id: '2', payload: [asked] });
  });
});
