import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

/** Where the gateway looks for the built dashboard; a production image needs nothing else of it. */
export const dashboardFolder: string = fileURLToPath(new URL('../../dist/dashboard', import.meta.url));

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  mjs: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  ttf: 'font/ttf',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
};
/** Names in there carry a digest or a version, so what is under a name never changes. */
const hashedPrefix = '/assets/';
const encodings = [
  ['br', 'br'],
  ['gzip', 'gz'],
] as const;

interface SiteFile {
  readonly path: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** Compressed forms that lie beside it, the best first. */
  readonly forms: readonly { readonly encoding: string; readonly path: string; readonly sizeBytes: number }[];
}

/** The built dashboard. */
export interface DashboardFiles {
  /**
   * Answers GET and HEAD for a file of the dashboard, and with its page for every other path that a browser navigates
   * to, because the pages of the dashboard are paths of its own.
   * @returns false for what is not the dashboard's
   */
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>;
}

export interface DashboardOptions {
  readonly folder: string;
  /** Other origins that its scripts may talk to: the identity provider's. */
  readonly connectTo: readonly string[];
}

/**
 * Opens the built dashboard. Only files that are there now are ever served, whatever a request's path says.
 * @returns undefined when it has not been built
 */
export function openDashboard(options: DashboardOptions): DashboardFiles | undefined {
  const { folder } = options;
  if (!existsSync(join(folder, 'index.html'))) return undefined;
  const files = findFiles(folder);
  const page = files.get('/index.html')!;
  const pageText = readFileSync(page.path);
  return {
    async answer(request, response, path) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return false;
      const file = path === '/' ? undefined : files.get(path);
      if (file !== undefined && file !== page) {
        await sendFile(request, response, file, path);
        return true;
      }
      if (path !== '/' && !wantsPage(request)) return false;
      response.writeHead(200, {
        ...securityHeaders(options.connectTo),
        'content-type': page.type,
        'content-length': pageText.length,
        'cache-control': 'no-cache',
      });
      response.end(request.method === 'HEAD' ? undefined : pageText);
      return true;
    },
  };
}

function wantsPage({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/html') === true;
}

function findFiles(folder: string): ReadonlyMap<string, SiteFile> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const present = new Set(names);
  const files = new Map<string, SiteFile>();
  for (const path of names) {
    const name = path.slice(folder.length).replaceAll('\\', '/');
    if (/\.(?:br|gz)$/.test(name) || name === '/digest') continue;
    const forms = encodings
      .map(([encoding, ending]) => ({ encoding, path: `${path}.${ending}` }))
      .filter((form) => present.has(form.path))
      .map((form) => ({ ...form, sizeBytes: statSync(form.path).size }));
    const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    files.set(name, { path, type, sizeBytes: statSync(path).size, forms });
  }
  return files;
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: SiteFile,
  path: string,
): Promise<void> {
  const accepted = (request.headers['accept-encoding'] ?? '').split(',').map((part) => part.trim().split(';', 1)[0]);
  const form = file.forms.find(({ encoding }) => accepted.includes(encoding));
  const sent = form ?? file;
  response.writeHead(200, {
    ...securityHeaders([]),
    // Decoders of pdf.js are WebAssembly; they run in its worker, which has this file's policy and not the page's.
    ...(path.includes('pdf.worker') ? { 'content-security-policy': workerPolicy } : {}),
    'content-type': file.type,
    'content-length': sent.sizeBytes,
    'cache-control': path.startsWith(hashedPrefix) ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(file.forms.length === 0 ? {} : { vary: 'accept-encoding' }),
    ...(form === undefined ? {} : { 'content-encoding': form.encoding }),
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  try {
    await pipeline(createReadStream(sent.path), response);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

const workerPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/** Nothing but our own files may be loaded, nothing inline runs, and no page of others may frame ours. */
function securityHeaders(connectTo: readonly string[]): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob:",
      "font-src 'self'",
      `connect-src ${["'self'", ...connectTo].join(' ')}`,
      "worker-src 'self'",
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
  };
}
