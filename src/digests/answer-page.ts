import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import { readRequest } from '../documents/read-request.ts';
import type { DigestRecord, RecipientRecord, RequestOutcome, RequestRecord } from '../domain/digest.ts';
import { outcomeWords, requestOutcomes } from '../domain/digest.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { AnswerGrant } from './answer-link.ts';
import { readAnswerPath } from './answer-link.ts';
import type { RespondDependencies, ResponseInput, ResponseResult } from './respond.ts';
import { parseResponses, respond } from './respond.ts';

const engine = new Eta({
  views: fileURLToPath(new URL('./pages/', import.meta.url)),
  defaultExtension: '.html.eta',
  autoEscape: true,
  cache: true,
});
const style = `
  body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; background: #f4f5f7; color: #1c2430; }
  main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.4rem; }
  [role=status] { padding: .75rem 1rem; border-radius: .5rem; background: #dcecff; color: #10335f; }
  fieldset { margin: 0 0 1rem; padding: .75rem 1rem 1rem; border: 1px solid #ccd2da; border-radius: .5rem; background: #fff; overflow-wrap: anywhere; }
  legend { font-weight: 600; padding: 0 .25rem; }
  fieldset p { margin: .25rem 0; }
  .small { color: #566170; font-size: .875rem; }
  .choices { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0; }
  label { display: inline-block; padding: .35rem 0; }
  .note { display: block; }
  input[type=text] { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: .5rem; font: inherit; }
  button { min-height: 3rem; padding: 0 1.5rem; border: 0; border-radius: .5rem; background: #1f5fbf; color: #fff; font: inherit; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    body { background: #14181f; color: #e8ebf0; }
    fieldset { background: #1d232d; border-color: #3a4351; }
    .small { color: #a3adbb; }
    [role=status] { background: #17385f; color: #dcecff; }
  }
`;
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
  // The address is a secret: it goes to nobody else.
  'referrer-policy': 'no-referrer',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
} as const;

export interface AnswerPageDependencies {
  /** The parts of the shard on which a digest lies; undefined when its id names none. */
  readonly responderOf: (digestId: string) => RespondDependencies | undefined;
  readonly urlSecret: string;
  /** Verifies links of before the secret was changed. */
  readonly urlSecretPrevious?: string | undefined;
  readonly now: () => number;
  readonly log: Logger;
}

interface Opened {
  readonly digest: DigestRecord;
  readonly provider: RecipientRecord;
  readonly requests: readonly RequestRecord[];
}

/**
 * The page behind the link in a provider's mail: it shows the requests of one digest's part and takes answers to them,
 * without an account and without a script. To look changes nothing, so mail programs may.
 */
export function createAnswerPage(
  dependencies: AnswerPageDependencies,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { urlSecret, urlSecretPrevious, now, log } = dependencies;
  return async (request, response) => {
    const [path, query] = (request.url ?? '').split('?', 2);
    try {
      const grant = readAnswerPath(urlSecret, path!, now(), urlSecretPrevious);
      if (grant === undefined) return sendNote(request, response, 404, 'This link is not complete', wrongLink);
      if (grant.expired) return sendNote(request, response, 410, 'This link has expired', expiredLink);
      if (request.method === 'POST') return await take(dependencies, grant, request, response, path!);
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD, POST');
        return sendNote(request, response, 405, 'This page takes GET and POST', '');
      }
      await show(dependencies, grant, request, response, path!, query);
    } catch (error) {
      const fault = error instanceof Fault ? error : undefined;
      if (fault === undefined || fault.code === 'UNAVAILABLE') log.warn({ err: error }, 'an answer page failed');
      const status = fault === undefined ? 500 : (statuses[fault.code] ?? 400);
      if (fault?.retryAfterMs !== undefined) {
        response.setHeader('retry-after', String(Math.ceil(fault.retryAfterMs / 1_000)));
      }
      const message = fault === undefined ? 'Please try again later.' : fault.message;
      sendNote(request, response, status, 'This did not work', `${message} Nothing was changed.`);
    }
  };
}

const wrongLink = 'Please open it from the mail once more, or copy all of it.';
const expiredLink = 'Requests that are still open come with later mails.';
const statuses: Partial<Record<Fault['code'], number>> = {
  NOT_FOUND: 404,
  PAYLOAD_TOO_LARGE: 413,
  UNAVAILABLE: 503,
  BACKPRESSURE: 503,
};

async function show(
  dependencies: AnswerPageDependencies,
  grant: AnswerGrant,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: string | undefined,
): Promise<void> {
  const { provider, requests } = await open(respondersFor(dependencies, grant), grant);
  const shown = requests.map(toShown);
  send(request, response, 200, {
    title: 'Answer requests',
    message: describeSent(query),
    name: provider.name ?? provider.externalId,
    action: path,
    requests: shown,
    open: shown.filter((entry) => entry.state === null).length,
    outcomes: requestOutcomes.map((outcome) => [outcome, labelOf(outcome)]),
  });
}

/** What is said of a form that was sent just before, see `take`; null when none was. */
function describeSent(query: string | undefined): string | null {
  const taken = /^taken=(none|\d{1,3})$/.exec(query ?? '')?.[1];
  if (taken === undefined) return null;
  if (taken === 'none') return 'No answer was chosen, so nothing was changed.';
  if (taken === '0') return 'No new answer was taken. Below is how the requests stand.';
  return `Thank you: ${taken} ${taken === '1' ? 'answer was' : 'answers were'} taken.`;
}

function labelOf(outcome: RequestOutcome): string {
  const words = outcomeWords[outcome];
  return words.charAt(0).toUpperCase() + words.slice(1);
}

async function take(
  dependencies: AnswerPageDependencies,
  grant: AnswerGrant,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const form = await readForm(request);
  const parts = respondersFor(dependencies, grant);
  const { digest, provider, requests } = await open(parts, grant);
  // Only what this mail asked for, whatever the form says.
  const responses = requests.flatMap((entry): ResponseInput[] => {
    const outcome = form.get(`outcome-${entry.id}`);
    if (outcome === null || entry.answer !== null) return [];
    if (!(requestOutcomes as readonly string[]).includes(outcome))
      throw new Fault('BAD_USER_INPUT', 'There is no such answer.');
    return [{ requestId: entry.id, outcome: outcome as RequestOutcome, note: form.get(`note-${entry.id}`) }];
  });
  const chosen = [...form.keys()].some((name) => name.startsWith('outcome-'));
  let results: readonly ResponseResult[] = [];
  if (responses.length > 0) {
    const responder = {
      namespace: digest.namespace,
      name: `${provider.externalId} (by link)`,
      providerId: provider.id,
    };
    results = await respond(parts, responder, parseResponses(responses));
  }
  const taken = results.filter((result) => result.kind === 'answered').length;
  // A reload must not send the form again.
  response.writeHead(303, { ...headers, location: `${path}?taken=${chosen ? taken : 'none'}`, 'content-length': 0 });
  response.end();
}

function respondersFor({ responderOf }: AnswerPageDependencies, { digestId }: AnswerGrant): RespondDependencies {
  const parts = responderOf(digestId);
  if (parts === undefined) throw new Fault('NOT_FOUND', wrongLink);
  return parts;
}

async function open({ store }: RespondDependencies, grant: AnswerGrant): Promise<Opened> {
  const digest = await store.getDigest(grant.digestId);
  if (digest.direction !== 'TO_PROVIDER' || digest.sealedAt === null) throw new Fault('NOT_FOUND', wrongLink);
  const provider = await store.getRecipient(digest.recipientId);
  const items = await store.itemsOf(digest.id, grant.part, null, limits.digestItemsPerMail);
  const ids = new Set(items.filter((item) => item.kind !== 'CANCELLED').map((item) => item.requestId));
  return { digest, provider, requests: await Promise.all([...ids].map((id) => store.getRequest(id))) };
}

function toShown(request: RequestRecord) {
  const over = request.status === 'CANCELLED' || request.status === 'CLOSED';
  return {
    id: request.id,
    item: request.item.externalId,
    description: request.item.description,
    quantity: request.item.quantity,
    customer: request.customer.name ?? request.customer.externalId,
    state: request.answer === null ? (over ? request.status.toLowerCase() : null) : labelOf(request.answer.outcome),
    note: request.answer?.note ?? null,
  };
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') throw new Fault('BAD_REQUEST', 'This page takes its own form.');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const never = new AbortController().signal;
  const bounds = { idleMilliseconds: 10_000, totalMilliseconds: 60_000, signal: never };
  for await (const chunk of readRequest(request, bounds)) {
    bytes += chunk.length;
    if (bytes > limits.bodyBytes) throw new Fault('PAYLOAD_TOO_LARGE', 'That is too much text.');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function sendNote(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  title: string,
  message: string,
): void {
  send(request, response, status, { title, message, requests: [], open: 0 });
}

function send(request: IncomingMessage, response: ServerResponse, status: number, data: object): void {
  const html = engine.render('./answer', { ...data, style });
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(html) });
  response.end(request.method === 'HEAD' ? undefined : html);
}
