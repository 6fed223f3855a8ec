import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent, createServer, type IncomingHttpHeaders, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { BlobStore } from '../../src/documents/blob-store.ts';
import type { DocumentRegister, DocumentRow } from '../../src/documents/document-register.ts';
import { openFolderBlobStore } from '../../src/documents/folder-blob-store.ts';
import { type Disposition, signUrl } from '../../src/documents/signed-url.ts';
import { createTransfer, type TransferOptions } from '../../src/documents/transfer.ts';
import { type SampleDocument, sha256Hex } from './sample-documents.ts';

const urlSecret = 'a secret of the tests, long enough';

/** The record that a transfer asks, with places where a test may stand in its way. */
export class TestRegister implements DocumentRegister {
  readonly rows = new Map<string, DocumentRow>();
  /** The blobs that were announced, in order. */
  readonly begun: string[] = [];
  beforeFind: () => Promise<void> = async () => undefined;
  beforeMark: () => Promise<void> = async () => undefined;
  afterMark: () => Promise<void> = async () => undefined;

  async find(documentId: string): Promise<DocumentRow | undefined> {
    await this.beforeFind();
    return this.rows.get(documentId);
  }

  async beginBlob(_documentId: string, attemptKey: string): Promise<void> {
    this.begun.push(attemptKey);
  }

  async markStored(documentId: string, attemptKey: string): Promise<boolean> {
    await this.beforeMark();
    const row = this.rows.get(documentId);
    if (row?.state !== 'AWAITING') return false;
    this.rows.set(documentId, { ...row, state: 'STORED', blobKey: attemptKey });
    await this.afterMark();
    return true;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | AsyncIterable<Uint8Array>;
  readonly agent?: Agent;
}

/** Sends a request and reads the whole answer. A body that is not a Buffer goes out chunked unless headers say else. */
export async function send(url: string, options: SendOptions = {}): Promise<Answer> {
  const { method = 'GET', body, agent = new Agent() } = options;
  const length = Buffer.isBuffer(body) ? { 'content-length': body.length } : {};
  const request = sendRequest(url, { method, agent, headers: { ...length, ...options.headers } });
  const answered = once(request, 'response');
  if (body === undefined) request.end();
  else {
    const source = Buffer.isBuffer(body) ? Readable.from([body]) : Readable.from(body);
    // A server that refuses may close before everything was written. What counts is its answer.
    request.on('error', () => source.destroy());
    source.on('error', (error) => request.destroy(error)).pipe(request);
  }
  const [response] = await answered;
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

/** The code and message of a refusal, in the form of GraphQL's errors. */
export function errorOf(answer: Answer): { message: string; code: string; [extension: string]: unknown } {
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  const { errors } = JSON.parse(answer.body.toString());
  expect(errors).toHaveLength(1);
  return { message: errors[0].message, ...errors[0].extensions };
}

/** A node:http server with transfers on it, over a folder unless another store is given. */
export class TransferServer implements AsyncDisposable {
  readonly register = new TestRegister();
  readonly logged: Record<string, unknown>[] = [];
  readonly folder: string;
  now = Date.now();
  #documents = 0;
  readonly #handled: Promise<void>[] = [];
  readonly #server;

  private constructor(folder: string, options: Pick<TransferOptions, 'blobs'> & Partial<TransferOptions>) {
    this.folder = folder;
    const log = pino({ level: 'debug' }, { write: (line: string) => void this.logged.push(JSON.parse(line)) });
    const transfer = createTransfer({ register: this.register, urlSecret, log, now: () => this.now, ...options });
    this.#server = createServer((request, response) => {
      this.#handled.push(transfer.handle(request, response));
    });
  }

  static async start(
    options: Partial<TransferOptions> = {},
    watch: (store: BlobStore) => BlobStore = (store) => store,
  ): Promise<TransferServer> {
    const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
    const blobs = watch(options.blobs ?? (await openFolderBlobStore(folder, Date.now())));
    const server = new TransferServer(folder, { ...options, blobs });
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Announces the upload of a document, or of what is declared in its place. */
  announce(sample: SampleDocument, change: Partial<DocumentRow> = {}): DocumentRow {
    this.#documents += 1;
    const row: DocumentRow = {
      id: `0199a2b4-5c6d-7001-8e9f-${String(this.#documents).padStart(12, '0')}`,
      namespace: 'acme',
      fileName: sample.fileName,
      contentType: sample.contentType,
      sizeBytes: sample.bytes.length,
      sha256Hex: sha256Hex(sample.bytes),
      state: 'AWAITING',
      blobKey: undefined,
      ...change,
    };
    this.register.rows.set(row.id, row);
    return row;
  }

  uploadUrl(row: DocumentRow, secondsLeft = 900): string {
    const expiresAtSeconds = Math.floor(this.now / 1000) + secondsLeft;
    return signUrl(urlSecret, this.url, { method: 'PUT', documentId: row.id, namespace: 'acme', expiresAtSeconds });
  }

  downloadUrl(row: DocumentRow, disposition: Disposition = 'inline', secondsLeft = 60): string {
    const expiresAtSeconds = Math.floor(this.now / 1000) + secondsLeft;
    const { id: documentId } = row;
    return signUrl(urlSecret, this.url, {
      method: 'GET',
      documentId,
      namespace: 'acme',
      expiresAtSeconds,
      disposition,
    });
  }

  upload(row: DocumentRow, body: Buffer | AsyncIterable<Uint8Array>, headers: SendOptions['headers'] = {}) {
    return send(this.uploadUrl(row), { method: 'PUT', body, headers: { 'content-type': row.contentType, ...headers } });
  }

  /** Waits until every request is over, cleaning up included. */
  async settled(): Promise<void> {
    await Promise.all(this.#handled);
  }

  /** The files in the folder, unfinished ones among them. */
  async files(): Promise<readonly string[]> {
    await this.settled();
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.settled();
    await rm(this.folder, { recursive: true });
  }
}
