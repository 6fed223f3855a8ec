import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { issueToken } from '../../src/auth/tokens.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, startEngine, testSecret } from '../support/engine.ts';

let engine: TestEngine;
let gateway: Service;
let port = 0;
let token: string;

async function startGateway(): Promise<void> {
  const foundation = { ...engine.foundation, config: { ...engine.foundation.config, port } };
  gateway = createGatewayService(foundation, (listening) => {
    port = listening;
  });
  await gateway.start();
}

beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  token = await issueToken({
    subject: 'sue',
    namespace: 'acme',
    roles: ['supervisor'],
    secret: testSecret,
    expiresInSeconds: 600,
  });
  await startGateway();
});
afterAll(async () => {
  await gateway.stop();
  await engine.stop();
});

async function register(topic: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const result = await engine.foundation.services.register(alice, { ...application, topic });
    if (result.kind !== 'registered') throw new Error(result.kind);
    ids.push(result.held.case.id);
  }
  return ids;
}

const query =
  'subscription($topic: String, $after: String) { caseUpdated(namespace: "acme", topic: $topic, after: $after) { cursor type case { id status } } }';
interface Update {
  readonly cursor: string;
  readonly type: string;
  readonly case: { readonly id: string; readonly status: string };
}

describe('caseUpdated through the gateway', () => {
  it('goes on after the gateway restarted, from the last cursor, without a gap or a double', async () => {
    const client = createClient({
      url: `ws://127.0.0.1:${port}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
    const topic = 'restart';
    const seen: Update[] = [];
    /** Takes updates until the socket ends or enough have come. */
    const follow = async (enough: number): Promise<void> => {
      const variables = { topic, after: seen.at(-1)?.cursor ?? null };
      try {
        for await (const result of client.iterate<{ caseUpdated: Update }>({ query, variables })) {
          if (result.data?.caseUpdated) seen.push(result.data.caseUpdated);
          if (seen.length >= enough) return;
        }
      } catch (error) {
        // The server going away is what this test is about; anything else is not.
        expect((error as { code?: number }).code).toBe(1001);
      }
    };
    const first = follow(Number.POSITIVE_INFINITY);
    await expect.poll(() => engine.foundation.updates.watcherCount, { timeout: 10_000 }).toBe(1);
    const before = await register(topic, 5);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await gateway.stop();
    await first;
    const during = await register(topic, 5);
    await startGateway();
    const second = follow(15);
    const after = await register(topic, 5);
    await second;
    expect(seen.map((update) => update.case.id)).toEqual([...before, ...during, ...after]);
    await client.dispose();
  });

  it('comes as server-sent events, too', async () => {
    const ids = register('stream', 0);
    const aborted = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { topic: 'stream' } }),
      signal: aborted.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await ids;
    // The stream is open when its headers are here, but the subscription starts a moment later.
    await expect.poll(() => engine.foundation.updates.watcherCount).toBe(1);
    const [id] = await register('stream', 1);
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes('event: next')) break;
    }
    expect(text).toContain(id);
    aborted.abort();
    await expect.poll(() => engine.foundation.updates.watcherCount, { timeout: 15_000 }).toBe(0);
  });
});
