import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/**
 * A small S3 of the tests, over real HTTP. It is written from the published description of Signature Version 4, apart
 * from the code under test, and refuses what S3 refuses: wrong signatures, old dates, other bytes than were signed.
 */
export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: S3Credentials;
  readonly objects: Map<string, { readonly bytes: Buffer; readonly contentType: string | undefined }>;
  /** Every request's method and path, in order. */
  readonly requests: string[];
  /** What goes wrong with the next requests. */
  fault: 'NONE' | 'CORRUPT_BODY' | 'NO_ANSWER' | 'REFUSE_EARLY' | 'SHORT_ANSWER';
  stop(): Promise<void>;
}

export async function startS3Server(): Promise<S3Server> {
  const server = createServer((request, response) => {
    answer(request, response, s3).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const s3: S3Server = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket: 'test-documents',
    credentials: { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-of-no-worth', region: 'eu-test-1' },
    objects: new Map(),
    requests: [],
    fault: 'NONE',
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return s3;
}

async function answer(request: IncomingMessage, response: ServerResponse, s3: S3Server): Promise<void> {
  s3.requests.push(`${request.method} ${request.url}`);
  if (s3.fault === 'NO_ANSWER') return;
  if (s3.fault === 'REFUSE_EARLY') return refuse(response, 503, 'SlowDown');
  const method = request.method ?? '';
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const wrong = signatureFault(method, path, query, request.headers, s3.credentials, new Date());
  if (wrong !== undefined) return refuse(response, 403, wrong);
  const [, bucket, key = ''] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (bucket !== s3.bucket) return refuse(response, 404, 'NoSuchBucket');
  if (method === 'PUT') return store(request, response, s3, key);
  if (method === 'DELETE') {
    s3.objects.delete(key);
    response.writeHead(204).end();
    return;
  }
  if (method !== 'GET') return refuse(response, 405, 'MethodNotAllowed');
  const object = s3.objects.get(key);
  if (object === undefined) return refuse(response, 404, 'NoSuchKey');
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = first === undefined ? object.bytes : object.bytes.subarray(Number(first), Number(last) + 1);
  const sent = s3.fault === 'SHORT_ANSWER' ? part.subarray(1) : part;
  response.writeHead(first === undefined ? 200 : 206, { 'content-length': sent.length }).end(sent);
}

async function store(request: IncomingMessage, response: ServerResponse, s3: S3Server, key: string): Promise<void> {
  const chunks: Buffer[] = [];
  if (request.headers['content-length'] === undefined) return refuse(response, 411, 'MissingContentLength');
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (s3.fault === 'CORRUPT_BODY') bytes[0] = (bytes[0] ?? 0) ^ 1;
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== request.headers['x-amz-content-sha256']) return refuse(response, 400, 'XAmzContentSHA256Mismatch');
  s3.objects.set(key, { bytes, contentType: request.headers['content-type'] });
  response.writeHead(200, { etag: `"${digest}"` }).end();
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml' }).end(text);
}

/** @returns S3's error code for a request whose signature is wrong, undefined when it is right */
export function signatureFault(
  method: string,
  path: string,
  query: string,
  headers: IncomingHttpHeaders,
  credentials: S3Credentials,
  now: Date,
): string | undefined {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (given === null) return 'AccessDenied';
  const [, accessKeyId, day = '', region = '', signedHeaders = '', signature] = given;
  if (accessKeyId !== credentials.accessKeyId) return 'InvalidAccessKeyId';
  if (region !== credentials.region) return 'AuthorizationHeaderMalformed';
  const time = String(headers['x-amz-date']);
  const age = now.getTime() - Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(age) < 900_000)) return 'RequestTimeTooSkewed';
  const names = signedHeaders.split(';');
  for (const needed of ['host', 'x-amz-content-sha256', 'x-amz-date']) {
    if (!names.includes(needed)) return 'AccessDenied';
  }
  const canonical = [
    method,
    path,
    query.split('&').sort().join('&'),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  let key: Buffer | string = `AWS4${credentials.secretAccessKey}`;
  for (const part of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(text).digest('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}
