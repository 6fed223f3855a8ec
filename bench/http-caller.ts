import type { Socket } from 'node:net';
import { connect } from 'node:net';

/** The body of an answer, and its status. */
export type OnAnswer = (body: string, status: number) => void;

const headerEnd = '\r\n\r\n';

/**
 * One client on one keep-alive connection that writes ready-made requests and reads just enough of the answers: the
 * caller must cost little, since it shares the machine with what it measures. Node's own client takes several times as
 * much. One request at a time; answers must have a content-length.
 */
export class HttpCaller {
  readonly #socket: Socket;
  #onAnswer: OnAnswer | undefined;
  #onFailure: (error: Error) => void = () => undefined;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk.toString('latin1')));
    socket.on('error', (error) => this.#onFailure(error));
    socket.on('close', () => this.#onFailure(new Error('The server closed a connection')));
  }

  static open(port: number, onFailure: (error: Error) => void): Promise<HttpCaller> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        const caller = new HttpCaller(socket);
        caller.#onFailure = onFailure;
        resolve(caller);
      });
    });
  }

  /** @param request a whole request in latin1 */
  exchange(request: string, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  /** Resolves when no answer is outstanding. */
  settled(): Promise<void> {
    if (this.#onAnswer === undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onAnswer = () => resolve();
    return promise;
  }

  close(): void {
    this.#onFailure = () => undefined;
    this.#socket.destroy();
  }

  #receive(text: string): void {
    // An answer usually comes in one piece.
    const received = this.#received === '' ? text : this.#received + text;
    const end = received.indexOf(headerEnd);
    const length = end === -1 ? undefined : readLength(received, end);
    if (length === undefined || received.length < end + headerEnd.length + length) {
      this.#received = received;
      return;
    }
    this.#received = '';
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(received.slice(end + headerEnd.length), Number(received.slice(9, 12)));
  }
}

/** A whole POST to `/graphql`; what varies in the body must keep its length in bytes. */
export function writePost(token: string, body: string): string {
  return [
    'POST /graphql HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    'accept: application/json',
    `authorization: Bearer ${token}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

function readLength(received: string, end: number): number | undefined {
  const at = received.indexOf('content-length: ');
  if (at === -1 || at > end) throw new Error(`An answer without a length: ${received.slice(0, end)}`);
  return Number.parseInt(received.slice(at + 16, at + 26), 10);
}
