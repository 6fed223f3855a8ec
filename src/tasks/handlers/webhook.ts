import { createHmac } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { defaultBackoff } from '../../domain/backoff.ts';
import { badInput } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { currentTraceparent } from '../../telemetry/traceparent.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { defineTask, FatalTaskError } from '../task-handler.ts';
import type { PrivateAddresses } from './public-address.ts';
import { AddressRefused, resolveAllowed } from './public-address.ts';

export interface WebhookParts {
  readonly webhooks: {
    /** From which each namespace's key is made. */
    readonly secret: string;
    readonly privateAddresses: PrivateAddresses;
  };
}

interface Payload {
  readonly url: URL;
  readonly body: string;
}

/**
 * `webhook` with payload `{ url, body }`: sends `body` as JSON in a signed POST. The receiver tells a repeated call by
 * its `idempotency-key`, which is the task's id. The answer must be a 2xx; redirects are not followed.
 */
export function createWebhook({ webhooks }: WebhookParts): AnyTaskHandler {
  return defineTask<Payload>({
    kind: 'webhook',
    concurrency: 20,
    timeLimitMilliseconds: limits.webhookMilliseconds + 5_000,
    leaseSeconds: 60,
    maxAttempts: 8,
    backoff: defaultBackoff,
    parsePayload,
    async run({ url, body }, { taskId, namespace, signal }) {
      const addresses = await findAddresses(url, webhooks.privateAddresses);
      const timestamp = Math.floor(Date.now() / 1_000);
      const key = webhookKey(webhooks.secret, namespace);
      const traceparent = currentTraceparent();
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'caseload-webhook',
        'idempotency-key': taskId,
        'webhook-id': taskId,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `v1,${signWebhook(key, taskId, timestamp, body)}`,
        ...(traceparent !== null && { traceparent }),
      };
      const limited = AbortSignal.any([signal, AbortSignal.timeout(limits.webhookMilliseconds)]);
      const status = await post(url, addresses, headers, body, limited);
      judgeStatus(status);
      return { status };
    },
  });
}

/** The key with which a namespace's receivers check signatures. One tenant cannot tell another's from its own. */
export function webhookKey(secret: string, namespace: string): Buffer {
  return createHmac('sha256', secret).update(`webhook ${namespace}`).digest();
}

/**
 * The signature as the Standard Webhooks specification has it: HMAC-SHA256 over `<id>.<timestamp>.<body>`, in Base64.
 * https://github.com/standard-webhooks/standard-webhooks
 */
export function signWebhook(key: Buffer, id: string, timestampSeconds: number, body: string): string {
  return createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64');
}

function parsePayload(field: string, payload: unknown): Payload {
  const { url, body } = (payload ?? {}) as { url?: unknown; body?: unknown };
  if (typeof url !== 'string' || url.length > limits.webhookUrlCharacters || !URL.canParse(url)) {
    throw badInput(`${field}.url`, `must be a URL with at most ${limits.webhookUrlCharacters} characters`);
  }
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw badInput(`${field}.url`, 'must begin with https:// or http://');
  }
  if (parsed.username !== '' || parsed.password !== '') throw badInput(`${field}.url`, 'must not have a password');
  return { url: parsed, body: JSON.stringify(body ?? null) };
}

async function findAddresses(url: URL, allowed: PrivateAddresses): Promise<readonly LookupAddress[]> {
  try {
    return await resolveAllowed(url.hostname.replace(/^\[|\]$/g, ''), allowed);
  } catch (error) {
    if (error instanceof AddressRefused) throw new FatalTaskError(error.message);
    throw error; // a name that cannot be resolved now may be later
  }
}

/** @returns the answer's status; its body is read to an end or cut off, and forgotten */
function post(
  url: URL,
  addresses: readonly LookupAddress[],
  headers: Readonly<Record<string, string | number>>,
  body: string,
  signal: AbortSignal,
): Promise<number> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { method: 'POST', headers, lookup: pin(addresses), signal, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      drain(response).then(() => resolve(response.statusCode ?? 0), reject);
    });
    request.end(body);
  });
}

/** Answers every look-up with the addresses that were checked. */
function pin(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const first = addresses[0]!;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

async function drain(response: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.webhookAnswerBytes) break; // leaving the loop closes the connection
  }
}

function judgeStatus(status: number): void {
  if (status >= 200 && status <= 299) return;
  const text = `The receiver answered ${status}`;
  if (status >= 300 && status <= 399) throw new FatalTaskError(`${text}; redirects are not followed`);
  const isFinal = status >= 400 && status <= 499 && status !== 408 && status !== 429;
  throw isFinal ? new FatalTaskError(text) : new Error(text);
}
