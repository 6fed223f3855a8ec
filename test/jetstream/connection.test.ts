import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NatsLink } from '../../src/jetstream/connection.ts';
import { connectNats, NatsUnavailable } from '../../src/jetstream/connection.ts';
import { freeze } from '../support/freeze.ts';
import type { RestartableNats } from './harness.ts';
import { log, startRestartableNats, whenConnected } from './harness.ts';

describe('the connection to NATS', () => {
  let server: RestartableNats;
  const links: NatsLink[] = [];
  const open = async (): Promise<NatsLink> => {
    const link = await connectNats({ url: server.url, name: 'test', log });
    links.push(link);
    return link;
  };
  const nextMessage = (link: NatsLink, subject: string): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const subscription = link.subscribe(subject, (message) => {
      subscription.unsubscribe();
      resolve(message.string());
    });
    return promise;
  };

  beforeEach(async () => {
    server = await startRestartableNats();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    await server.stop();
  });

  it('is up when the server is', async () => {
    const link = await open();
    expect(link.connected).toBe(true);
    expect(link.serverVersion).toMatch(/^2\.\d+\.\d+/);
    const message = nextMessage(link, 'test.a');
    expect(link.publish('test.a', 'hello')).toBe(true);
    expect(await message).toBe('hello');
  });

  it('lets a program start without a server, refuses work meanwhile, and comes up by itself', async () => {
    await server.stop();
    const link = await open();
    expect(link.connected).toBe(false);
    const message = nextMessage(link, 'test.early');
    expect(link.publish('test.early', 'lost')).toBe(false);
    await expect(link.request('test.early', '')).rejects.toBeInstanceOf(NatsUnavailable);
    await expect(link.flush()).rejects.toBeInstanceOf(NatsUnavailable);
    await server.start();
    await whenConnected(link, true);
    expect(link.publish('test.early', 'kept')).toBe(true);
    expect(await message).toBe('kept');
  });

  it('comes back after a restart, with its subscriptions, and sends nothing old', async () => {
    const link = await open();
    const got: string[] = [];
    const second = Promise.withResolvers<void>();
    link.subscribe('test.b', (message) => {
      got.push(message.string());
      if (got.length === 2) second.resolve();
    });
    const changes: boolean[] = [];
    link.onChange((connected) => changes.push(connected));
    link.publish('test.b', 'before');
    await link.flush();
    await server.stop();
    await whenConnected(link, false);
    expect(link.publish('test.b', 'meanwhile')).toBe(false);
    await server.start();
    await whenConnected(link, true);
    link.publish('test.b', 'after');
    await second.promise;
    expect(got).toEqual(['before', 'after']);
    expect(changes).toEqual([false, true]);
  });

  it('survives a handler and a listener that throw', async () => {
    const link = await open();
    link.onChange(() => {
      throw new Error('planted');
    });
    link.subscribe('test.c', () => {
      throw new Error('planted');
    });
    link.publish('test.c', 'one');
    const message = nextMessage(link, 'test.d');
    link.publish('test.d', 'two');
    expect(await message).toBe('two');
    await server.stop();
    await whenConnected(link, false);
    await server.start();
    await whenConnected(link, true);
  });

  it('says when nobody answers', async () => {
    const link = await open();
    await expect(link.request('nobody.there', '')).rejects.toBeInstanceOf(NatsUnavailable);
    const subscription = link.subscribe('silent', () => undefined);
    await expect(link.request('silent', '', 50)).rejects.toBeInstanceOf(NatsUnavailable);
    subscription.unsubscribe();
  });

  it('drains: what has arrived is handled and what was published is sent', async () => {
    const listener = await open();
    const got: string[] = [];
    const all = Promise.withResolvers<void>();
    listener.subscribe('test.e', (message) => {
      if (got.push(message.string()) === 1_000) all.resolve();
    });
    await listener.flush();
    const link = await open();
    for (let index = 0; index < 1_000; index += 1) link.publish('test.e', String(index));
    const drained = link.drain();
    // Others may not have heard yet that the program ends: they are refused, not failed.
    const late = link.subscribe('test.late', () => undefined);
    await drained;
    late.unsubscribe();
    await all.promise;
    expect(link.connected).toBe(false);
    expect(link.publish('test.e', 'late')).toBe(false);
  });

  it('closes while it is down, before it was ever up, and twice', async () => {
    const link = await open();
    await server.stop();
    await whenConnected(link, false);
    const never = await open();
    await link.drain();
    await never.close();
    await never.close();
    expect(link.connected).toBe(false);
  });

  it('notices a server that is frozen, by a request that gets no answer', async () => {
    const link = await open();
    await freeze(server.running().pid);
    try {
      await expect(link.request('$JS.API.INFO', '', 100)).rejects.toBeInstanceOf(NatsUnavailable);
    } finally {
      process.kill(server.running().pid, 'SIGCONT');
    }
    expect((await link.request('$JS.API.INFO', '')).json()).toHaveProperty('type');
  });

  it('refuses an address that is none', async () => {
    await expect(connectNats({ url: 'nats://', name: 'test', log })).rejects.toBeInstanceOf(TypeError);
  });
});
