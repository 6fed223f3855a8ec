import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { backpressure, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { answerFault, answerJson } from './answer.ts';
import { sendDownload } from './download.ts';
import { ClientGone } from './read-request.ts';
import type { TransferParts } from './transfer-parts.ts';
import { receiveUpload } from './upload.ts';

/** Serves `/documents/<id>`. Its methods answer every request themselves and never reject. */
export interface Transfer {
  /** Uploads, downloads, and a refusal for every other method. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  handleUpload(request: IncomingMessage, response: ServerResponse): Promise<void>;
  handleDownload(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export type TransferOptions = Omit<TransferParts, 'idleMilliseconds' | 'now'> & {
  readonly now?: () => number;
  readonly idleMilliseconds?: number;
  /** Transfers served at once; more get BACKPRESSURE. */
  readonly atOnce?: number;
};

export function createTransfer(options: TransferOptions): Transfer {
  const parts: TransferParts = { now: Date.now, idleMilliseconds: limits.transferIdleMilliseconds, ...options };
  const atOnce = options.atOnce ?? limits.transfersAtOnce;
  let running = 0;

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    work: () => Promise<void>,
  ): Promise<void> => {
    running += 1;
    try {
      if (running > atOnce) throw backpressure(1_000);
      await work();
    } catch (error) {
      await answerError(request, response, error, parts);
    } finally {
      running -= 1;
    }
  };

  const handleUpload = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'PUT') return refuseMethod(request, response, ['PUT']);
    const afterwards: Promise<void>[] = [];
    await serve(request, response, async () => {
      const row = await receiveUpload(request, parts, (work) => afterwards.push(work));
      answerJson(response, 200, { documentId: row.id, sizeBytes: row.sizeBytes, sha256: row.sha256Hex });
    });
    await Promise.all(afterwards);
  };

  const handleDownload = (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isReading(request)) return refuseMethod(request, response, ['GET', 'HEAD']);
    return serve(request, response, () => sendDownload(request, response, parts));
  };

  return {
    handle(request, response) {
      if (request.method === 'PUT') return handleUpload(request, response);
      if (isReading(request)) return handleDownload(request, response);
      return refuseMethod(request, response, ['PUT', 'GET', 'HEAD']);
    },
    handleUpload,
    handleDownload,
  };
}

function isReading(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function refuseMethod(request: IncomingMessage, response: ServerResponse, allowed: readonly string[]): Promise<void> {
  response.setHeader('allow', allowed.join(', '));
  return answerFault(request, response, new Fault('BAD_REQUEST', `This path takes ${allowed.join(', ')}`), '', 405);
}

async function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  parts: TransferParts,
): Promise<void> {
  if (error instanceof ClientGone) {
    parts.log.debug({ err: error }, 'the client broke a transfer off');
    response.destroy();
    return;
  }
  const requestId = randomUUID();
  if (!(error instanceof Fault) || error.cause !== undefined) {
    parts.log.error({ err: error, requestId }, 'a transfer failed');
  }
  const fault = error instanceof Fault ? error : new Fault('INTERNAL', 'Something went wrong here');
  await answerFault(request, response, fault, requestId);
}
