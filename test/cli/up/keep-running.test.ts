import { expect, test } from 'vitest';
import type { RunningServer } from '../../../src/cli/up/keep-running.ts';
import { keepRunning } from '../../../src/cli/up/keep-running.ts';

/** A server whose end the test decides. The real ones are killed in test/system/up.test.ts. */
function scriptServer() {
  const exit = Promise.withResolvers<void>();
  let stops = 0;
  const server: RunningServer = {
    exited: exit.promise,
    stop: async () => {
      stops += 1;
      exit.resolve();
    },
  };
  return { server, end: () => exit.resolve(), stops: () => stops };
}

function watchServers(startAgain: () => Promise<RunningServer>) {
  const first = scriptServer();
  const notices: string[] = [];
  const givenUp = Promise.withResolvers<Error>();
  const stop = keepRunning({
    name: 'The server',
    server: first.server,
    startAgain,
    notice: (text) => void notices.push(text),
    onGivenUp: givenUp.resolve,
    pausesMilliseconds: [1, 1, 1],
  });
  return { first, notices, givenUp: givenUp.promise, stop };
}

test('a server that ends by itself has a successor, which is stopped in its place', async () => {
  const successor = scriptServer();
  const started = Promise.withResolvers<void>();
  let attempts = 0;
  const { first, notices, stop } = watchServers(async () => {
    attempts += 1;
    if (attempts < 3) throw new Error('the port is not free yet');
    started.resolve();
    return successor.server;
  });
  first.end();
  await started.promise;
  expect(first.stops()).toBe(1);
  await stop();
  await stop();
  expect({ attempts, stopped: successor.stops() }).toEqual({ attempts: 3, stopped: 1 });
  expect(notices[0]).toBe('The server ended by itself; starting it again');
});

test('one that cannot be started again is given up, with the reason', async () => {
  const { first, givenUp, stop } = watchServers(() => Promise.reject(new Error('the disk is full')));
  first.end();
  expect((await givenUp).message).toBe('The server ended and cannot be started again: the disk is full');
  await stop();
});

test('one that ends again and again is given up', async () => {
  let starts = 0;
  const { first, givenUp, stop } = watchServers(async () => {
    starts += 1;
    const next = scriptServer();
    next.end();
    return next.server;
  });
  first.end();
  expect((await givenUp).message).toBe('The server ends again and again by itself');
  expect(starts).toBe(5);
  await stop();
});

test('stopping while it is being started again waits for that and stops the successor', async () => {
  const successor = scriptServer();
  const starting = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const { first, stop } = watchServers(async () => {
    starting.resolve();
    await goOn.promise;
    return successor.server;
  });
  first.end();
  await starting.promise;
  const stopped = stop();
  goOn.resolve();
  await stopped;
  expect(successor.stops()).toBe(1);
});
