import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/**
 * When the connection to the client is cut: as soon as the request has been handed to the server, which then works for
 * nobody; or when the server's answer is there, and is thrown away.
 */
export type CutMoment = 'request sent' | 'answer there';

interface Cut {
  readonly marker: Buffer;
  readonly moment: CutMoment;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** The last bytes that went to the server: a marker may come in two pieces. */
  tail: Buffer;
  /** The client is gone; the server's answer is waited for and thrown away. */
  mute: boolean;
}

const tailBytes = 256;

/** A TCP proxy before a server, which can break connections at a chosen moment or let nothing through. */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  #armed: Cut | undefined;
  #stalled = false;
  /** How many connections were cut. */
  cuts = 0;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TcpProxy(server, targetPort);
    server.on('connection', (client) => proxy.#open(client));
    return proxy;
  }

  /** Cuts the next connection on which the client sends a request with this text in it; once. */
  cutNext(text: string, moment: CutMoment): void {
    this.#armed = { marker: Buffer.from(text), moment };
  }

  /** Lets nothing through any more, in either direction, and closes nothing: a network that swallows everything. */
  stall(): void {
    this.#stalled = true;
    for (const { client, server } of this.#links) {
      client.pause();
      server.pause();
    }
  }

  /** What was held back goes on. */
  resume(): void {
    this.#stalled = false;
    for (const { client, server } of this.#links) {
      client.resume();
      server.resume();
    }
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  #open(client: Socket): void {
    const server = connect(this.#targetPort, '127.0.0.1');
    const link: Link = { client, server, tail: Buffer.alloc(0), mute: false };
    this.#links.add(link);
    if (this.#stalled) {
      client.pause();
      server.pause();
    }
    client.on('data', (chunk: Buffer) => this.#toServer(link, chunk));
    server.on('data', (chunk: Buffer) => this.#toClient(link, chunk));
    client.on('close', () => {
      if (!link.mute) server.destroy();
    });
    server.on('close', () => {
      this.#links.delete(link);
      client.destroy();
    });
    // An end that breaks closes, and that is passed on above.
    client.on('error', () => undefined);
    server.on('error', () => undefined);
  }

  #toServer(link: Link, chunk: Buffer): void {
    link.server.write(chunk);
    const seen = Buffer.concat([link.tail, chunk]);
    link.tail = Buffer.from(seen.subarray(Math.max(0, seen.length - tailBytes)));
    if (this.#armed === undefined || !seen.includes(this.#armed.marker)) return;
    const { moment } = this.#armed;
    this.#armed = undefined;
    link.tail = Buffer.alloc(0);
    link.mute = true;
    if (moment === 'request sent') this.#cut(link);
  }

  #toClient(link: Link, chunk: Buffer): void {
    if (!link.mute) {
      link.client.write(chunk);
      return;
    }
    if (!link.client.destroyed) this.#cut(link);
    // The server has answered: it is done.
    link.server.destroy();
  }

  #cut(link: Link): void {
    this.cuts += 1;
    link.client.resetAndDestroy();
  }
}
