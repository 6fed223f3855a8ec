import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { limits } from '../domain/limits.ts';

/** A scanner outside, that looks at the bytes of documents. */
export interface ScannerConfig {
  readonly url: URL;
  /** Sent as a bearer token. */
  readonly token: string | undefined;
}

export interface ScannedDocument {
  readonly id: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256Hex: string;
}

export interface ScanResult {
  readonly verdict: 'CLEAN' | 'INFECTED';
  /** What the scanner says about it. */
  readonly detail: string | null;
}

/**
 * Posts the bytes of a document to the scanner. It answers 200 with `{ "verdict": "clean" | "infected", "detail": "…" }`.
 * @throws Error when there is no such answer: another attempt may get one
 */
export async function scanDocument(
  scanner: ScannerConfig,
  document: ScannedDocument,
  bytes: Readable,
  signal: AbortSignal,
): Promise<ScanResult> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(limits.documentScanMilliseconds)]);
  const send = scanner.url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(scanner.url, {
    method: 'POST',
    signal: limited,
    agent: false,
    headers: {
      'content-type': document.contentType,
      'content-length': document.sizeBytes,
      'document-id': document.id,
      'document-sha256': document.sha256Hex,
      ...(scanner.token === undefined ? {} : { authorization: `Bearer ${scanner.token}` }),
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  // A scanner that has seen enough may answer before it has all of it: its answer counts, not the broken way there.
  const sent = pipeline(bytes, request, { signal: limited });
  sent.catch(() => undefined);
  try {
    return await readAnswer(await answered);
  } finally {
    request.destroy();
    bytes.destroy();
  }
}

async function readAnswer(response: IncomingMessage): Promise<ScanResult> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > limits.documentScanAnswerCharacters) throw new Error('The scanner’s answer is too long');
  }
  if (response.statusCode !== 200) throw new Error(`The scanner answered ${response.statusCode}`);
  const { verdict, detail } = parseAnswer(text);
  if (verdict !== 'clean' && verdict !== 'infected') throw new Error('The scanner’s answer has no verdict');
  return {
    verdict: verdict === 'clean' ? 'CLEAN' : 'INFECTED',
    detail:
      typeof detail === 'string' ? detail.toWellFormed().replaceAll('\0', ' ').slice(0, 500).toWellFormed() : null,
  };
}

function parseAnswer(text: string): { readonly verdict?: unknown; readonly detail?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch (error) {
    throw new Error('The scanner’s answer is not JSON', { cause: error });
  }
}
