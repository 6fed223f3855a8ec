import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { AwsClient } from 'aws4fetch';
import { limits } from '../domain/limits.ts';
import { type BlobDescription, type BlobStore, BlobStoreError, type ByteRange, parseBlobKey } from './blob-store.ts';
import { checkBytes } from './checked-bytes.ts';
import { createStallTimer, type StallTimer } from './stall-timer.ts';

/** A bucket of an S3-compatible store, addressed path-style: `<endpoint>/<bucket>/<key>`. */
export interface S3Bucket {
  /** `https://host`, without a slash at its end. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/**
 * Opens a blob store in a bucket. Requests are signed (AWS Signature Version 4); an upload's signature covers its
 * digest, so that the store itself refuses other bytes. Nothing is sent before the first use.
 * @param stallMilliseconds how long the store may take to answer, or to take the next bytes
 */
export function openS3BlobStore(bucket: S3Bucket, stallMilliseconds: number = limits.blobStoreMilliseconds): BlobStore {
  const client = new AwsClient({
    accessKeyId: bucket.accessKeyId,
    secretAccessKey: bucket.secretAccessKey,
    region: bucket.region,
    service: 's3',
  });
  const send: Send = async (key, init) => {
    const url = `${bucket.endpoint}/${bucket.bucket}/${key}`;
    // Fetch takes a body of chunks as they come, though only with `duplex`, which the types do not know.
    const request = await client.sign(url, { redirect: 'manual', duplex: 'half', ...init } as RequestInit);
    // Set after signing, because some stores' load balancers rewrite it. Compressed answers would break ranges.
    request.headers.set('accept-encoding', 'identity');
    return fetch(request);
  };
  return {
    put: async (key, bytes, description) =>
      put(send, parseBlobKey(key), bytes, description, createStallTimer(stallMilliseconds)),
    get: async (key, range) => get(send, parseBlobKey(key), range, createStallTimer(stallMilliseconds)),
    delete: async (key) => remove(send, parseBlobKey(key), createStallTimer(stallMilliseconds)),
  };
}

interface S3Request {
  readonly method: 'PUT' | 'GET' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

type Send = (key: string, init: S3Request) => Promise<Response>;

async function put(
  send: Send,
  key: string,
  bytes: AsyncIterable<Uint8Array>,
  description: BlobDescription,
  timer: StallTimer,
): Promise<void> {
  let sourceFailure: { readonly error: unknown } | undefined;
  let passedOn = 0;
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      // Only the store's own time counts: while the source is awaited, the timer rests.
      timer.rest();
      for await (const chunk of checkBytes(bytes, description)) {
        timer.run();
        passedOn += chunk.length;
        yield chunk;
        // Fetch goes on asking for chunks after the store refused and the connection was closed.
        if (timer.signal.aborted) return;
        timer.rest();
      }
      timer.run();
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  }
  try {
    timer.run();
    const response = await send(key, {
      method: 'PUT',
      headers: {
        'content-type': description.contentType,
        'content-length': String(description.sizeBytes),
        'x-amz-content-sha256': description.sha256Hex,
      },
      body: body(),
      signal: timer.signal,
    });
    if (!response.ok) throw await refusal('PUT', response);
    await response.body?.cancel();
    if (passedOn !== description.sizeBytes) throw new BlobStoreError('The S3 store answered before it had the bytes');
  } catch (error) {
    if (sourceFailure !== undefined) throw sourceFailure.error;
    throw asStoreError('PUT', error);
  } finally {
    timer.end();
  }
}

async function get(
  send: Send,
  key: string,
  range: ByteRange | undefined,
  timer: StallTimer,
): Promise<Readable | undefined> {
  try {
    timer.run();
    const response = await send(key, {
      method: 'GET',
      headers: range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` },
      signal: timer.signal,
    });
    if (response.status !== (range === undefined ? 200 : 206)) return await missingOrRefusal('GET', response);
    timer.rest();
    return Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  } catch (error) {
    timer.end();
    throw asStoreError('GET', error);
  }
}

async function remove(send: Send, key: string, timer: StallTimer): Promise<void> {
  try {
    timer.run();
    const response = await send(key, { method: 'DELETE', signal: timer.signal });
    if (response.ok) await response.body?.cancel();
    else await missingOrRefusal('DELETE', response);
  } catch (error) {
    throw asStoreError('DELETE', error);
  } finally {
    timer.end();
  }
}

/** A missing blob is an answer; a missing bucket is a fault, and so is everything else. */
async function missingOrRefusal(method: string, response: Response): Promise<undefined> {
  const error = await refusal(method, response);
  if (response.status === 404 && !error.message.includes('NoSuchBucket')) return undefined;
  throw error;
}

async function refusal(method: string, response: Response): Promise<BlobStoreError> {
  const code = /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(await readStart(response))?.[1] ?? '';
  return new BlobStoreError(`The S3 store answered ${method} with ${response.status} ${code}`.trimEnd());
}

async function readStart(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > 4_096) break;
  }
  return text;
}

function asStoreError(method: string, error: unknown): BlobStoreError {
  if (error instanceof BlobStoreError) return error;
  return new BlobStoreError(`The S3 store did not complete ${method}`, { cause: error });
}
