import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDashboard } from '../../src/site/dashboard-files.ts';
import { uniqueDirectory } from '../support/servers.ts';

const script = `export const words = '${'many '.repeat(500)}';\n`;
const page = '<!doctype html><title>page</title>';
let port = 0;
const server = createServer();

beforeAll(async () => {
  const folder = uniqueDirectory('site');
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), page);
  writeFileSync(join(folder, 'digest'), 'd');
  writeFileSync(join(folder, 'assets', 'main-1a2b.js'), script);
  writeFileSync(join(folder, 'assets', 'main-1a2b.js.br'), brotliCompressSync(script));
  writeFileSync(join(folder, 'assets', 'main-1a2b.js.gz'), gzipSync(script));
  writeFileSync(join(folder, '..', 'outside.txt'), 'not ours');
  const dashboard = openDashboard({ folder, connectTo: ['https://id.example'] });
  server.on('request', (request, response) => {
    const path = request.url!.split('?', 1)[0]!;
    void dashboard!.answer(request, response, path).then((answered) => {
      if (!answered) response.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** With the path as it stands, which `fetch` would tidy up. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sendRequest({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers as Answer['headers'],
          body: Buffer.concat(chunks),
        }),
      );
    })
      .once('error', reject)
      .end();
  });
}

describe('the files of the dashboard', () => {
  it('sends the best form that a browser takes, to be kept for good', async () => {
    const answers = await Promise.all(
      ['gzip, deflate, br', 'gzip', ''].map((accepted) => get('/assets/main-1a2b.js', { 'accept-encoding': accepted })),
    );
    expect(answers.map(({ headers }) => headers['content-encoding'])).toEqual(['br', 'gzip', undefined]);
    expect(answers[2]!.body.toString()).toBe(script);
    expect(answers[0]!.body.length).toBeLessThan(script.length / 10);
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers.vary).toBe('accept-encoding');
      expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    }
  });

  it('sends its page for every path that a browser goes to, never to be kept without asking', async () => {
    for (const path of ['/', '/desk', '/apply/01a1fb33-565b-7000-8000-00d172d43f21?x=1']) {
      const { status, headers, body } = await get(path, { accept: 'text/html,*/*;q=0.8' });
      expect([status, body.toString(), headers['cache-control']]).toEqual([200, page, 'no-cache']);
      const policy = headers['content-security-policy'] ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("connect-src 'self' https://id.example");
      expect(policy).not.toMatch(/unsafe|\*|data:/);
    }
    expect((await get('/desk', { accept: '*/*' })).status).toBe(404);
    expect((await get('/', {}, 'HEAD')).body.length).toBe(0);
  });

  it.each([
    '/../outside.txt',
    '/assets/../../outside.txt',
    '/assets/%2e%2e/%2e%2e/outside.txt',
    '/digest',
    '/assets',
    '/assets/main-1a2b.js.br',
  ])('has nothing under %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it('is not there when it has not been built', () => {
    expect(openDashboard({ folder: uniqueDirectory('empty'), connectTo: [] })).toBeUndefined();
  });
});
