import { once } from 'node:events';
import { Agent, request as sendRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestGateway, exchange, post, readError, startGateway, token } from './gateways.ts';
import { gate, seen } from './small-schema.ts';

const wait = { query: 'mutation { wait }' };

describe('stopping', () => {
  test('finishes what is under way, answers who is there once more, refuses who comes, and then is gone', async () => {
    const { gateway, port } = await startGateway();
    // Connections that are open and quiet when the stop begins.
    const [quiet, streaming] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all([once(quiet, 'connect'), once(streaming, 'connect')]);
    const waiting = once(seen, 'waiting');
    const underWay = exchange(port, await post(wait));
    await waiting;

    const stopped = gateway.stop(5_000);
    const late = connect(port, '127.0.0.1');
    const refusal = /^HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*"code":"UNAVAILABLE"/i;
    expect(await sendRaw(quiet, port)).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*"data"/i);
    expect(await sendRaw(late, port)).toMatch(refusal);
    const subscription = { query: 'subscription { silent }' };
    expect(await sendRaw(streaming, port, subscription, 'text/event-stream')).toMatch(/"code":"UNAVAILABLE"/);
    gate.emit('answer');
    const answer = await underWay;
    expect(JSON.parse(answer.body)).toEqual({ data: { wait: 'answered' } });
    expect(answer.headers.connection).toBe('close');
    await stopped;
    await expect(exchange(port, await post(wait))).rejects.toThrow(/ECONNREFUSED/);
  });

  test('cuts off what is not done when the grace is over', async () => {
    const { gateway, port } = await startGateway();
    const waiting = once(seen, 'waiting');
    const underWay = exchange(port, await post(wait));
    await waiting;
    const abandoned = once(seen, 'abandoned');
    const started = performance.now();
    await Promise.all([gateway.stop(200), expect(underWay).rejects.toThrow(), abandoned]);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test('ends event streams with an error that asks to come back', async () => {
    const { gateway, port } = await startGateway();
    const silent = once(seen, 'silent');
    const answer = exchange(port, await post({ query: 'subscription { silent }' }, { accept: 'text/event-stream' }));
    await silent;
    await gateway.stop(5_000);
    expect((await answer).body).toMatch(/"code":"UNAVAILABLE","retryAfterMs":\d+[\s\S]*event: complete/);
  });

  test('closes sockets with 1001, after the answer that one of them waits for', async () => {
    const { gateway, port } = await startGateway();
    const idle = await openSocket(port);
    const busy = await openSocket(port);
    const messages: string[] = [];
    busy.on('message', (data) => messages.push(String(data)));
    const waiting = once(seen, 'waiting');
    busy.send(JSON.stringify({ id: '1', type: 'subscribe', payload: wait }));
    await waiting;
    const stopped = gateway.stop(5_000);
    const [idleCode] = (await once(idle, 'close')) as [number];
    expect(idleCode).toBe(1001);
    gate.emit('answer');
    const [busyCode] = (await once(busy, 'close')) as [number];
    expect(busyCode).toBe(1001);
    expect(messages).toEqual([
      JSON.stringify({ id: '1', type: 'next', payload: { data: { wait: 'answered' } } }),
      JSON.stringify({ id: '1', type: 'complete' }),
    ]);
    await stopped;
  });

  test('refuses sockets that come later', async () => {
    const { gateway, port } = await startGateway();
    const quiet = connect(port, '127.0.0.1');
    await once(quiet, 'connect');
    const waiting = once(seen, 'waiting');
    const underWay = exchange(port, await post(wait));
    await waiting;
    const stopped = gateway.stop(5_000);
    quiet.write('GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    const [data] = (await once(quiet, 'data')) as [Buffer];
    expect(String(data)).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1/);
    gate.emit('answer');
    await Promise.all([underWay, stopped]);
  });

  test('may be asked for twice, and before the start', async () => {
    const { gateway } = await startGateway();
    await Promise.all([gateway.stop(100), gateway.stop(100)]);
    await gateway.stop(100);
  });

  test('answers a connection that is used again a second later', async () => {
    const { gateway, port } = await startGateway();
    const connection = connect(port, '127.0.0.1');
    await once(connection, 'connect');
    connection.write(rawRequest(port));
    await once(connection, 'data');

    const stopped = gateway.stop(5_000);
    await delay(1_000);
    expect(await sendRaw(connection, port)).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*"data"/i);
    await stopped;
  });

  test('waits for no connection that is merely open', async () => {
    const { gateway, port } = await startGateway();
    const quiet = connect(port, '127.0.0.1');
    await once(quiet, 'connect');
    const agent = new Agent({ keepAlive: true });
    const { headers = {}, body } = await post({ query: '{ hello }' });
    const request = sendRequest({ port, method: 'POST', path: '/graphql', headers, agent });
    request.end(body);
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    const started = performance.now();
    await gateway.stop(10_000);
    expect(performance.now() - started).toBeLessThan(3_000);
    quiet.destroy();
    agent.destroy();
  });
});

describe('starting', () => {
  test('on a port that is taken says so', async () => {
    const first = await startGateway();
    await expect(createTestGateway().gateway.start(first.port, '127.0.0.1')).rejects.toThrow(
      `Port ${first.port} is in use`,
    );
    await first.gateway.stop(100);
  });

  test('other routes are asked first for other paths, and their failure is INTERNAL', async () => {
    const { gateway, port } = await startGateway({
      otherRoutes: (request, response) => {
        if (request.url === '/broken') throw new Error('hunter2');
        if (request.url !== '/livez') return false;
        response.end('alive');
        return true;
      },
    });
    expect((await exchange(port, { method: 'GET', path: '/livez' })).body).toBe('alive');
    const broken = await exchange(port, { method: 'GET', path: '/broken' });
    expect(readError(broken)).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(broken.body).not.toContain('hunter2');
    expect((await exchange(port, { method: 'GET', path: '/nothing' })).status).toBe(404);
    await gateway.stop(100);
  });
});

async function sendRaw(
  connection: ReturnType<typeof connect>,
  port: number,
  operation = { query: '{ hello }' },
  accept = 'application/json',
): Promise<string> {
  let text = '';
  connection.on('data', (data) => {
    text += String(data);
  });
  connection.write(rawRequest(port, operation, accept));
  await once(connection, 'close');
  return text;
}

function rawRequest(port: number, operation = { query: '{ hello }' }, accept = 'application/json'): string {
  const body = JSON.stringify(operation);
  const type = ['content-type: application/json', `accept: ${accept}`];
  const head = ['POST /graphql HTTP/1.1', `host: 127.0.0.1:${port}`, ...type];
  return `${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function openSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const payload = { authorization: `Bearer ${await token()}` };
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await once(socket, 'message');
  return socket;
}
