import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { createJob, untilStatus } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

it('the worker program runs tasks of its kinds and stops in order', async () => {
  const received: string[] = [];
  const server = createServer((request, response) => {
    received.push(String(request.headers['idempotency-key']));
    response.end('thanks');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const program = spawn(process.execPath, [fileURLToPath(new URL('../../src/worker.ts', import.meta.url))], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URLS: engine.database.url,
      NATS_URL: engine.nats.url,
      AUTH_SECRET: testSecret,
      BLOB_URL: `fs:${uniqueDirectory('worker-blobs')}`,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    let log = '';
    program.stderr.setEncoding('utf8');
    while (!log.includes('worker is at work')) log += String((await once(program.stderr, 'data'))[0]);
    program.stderr.resume();
    const { port } = server.address() as AddressInfo;
    const { taskIds } = await createJob(engine.foundation, [
      { kind: 'webhook', payload: { url: `http://127.0.0.1:${port}/hook`, body: { order: 1 } } },
      { kind: 'webhook', payload: { url: 'http://10.0.0.1/hook' } },
    ]);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED')).toMatchObject({ result: { status: 200 } });
    expect((await untilStatus(engine.foundation, taskIds[1]!, 'FAILED')).error).toMatch(/not on the public internet/);
    expect(received).toEqual([taskIds[0]]);
    program.kill('SIGTERM');
    expect(await once(program, 'exit')).toEqual([0, null]);
  } finally {
    program.kill('SIGKILL');
    server.close();
  }
});
