import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** Sits between a program and PostgreSQL and counts the statements that the program sends. */
export interface StatementCounter {
  /** The database's URL by way of the counter. */
  readonly url: string;
  /** Statements since the start. */
  readonly statements: number;
  close(): Promise<void>;
}

const executeMessage = 'E'.charCodeAt(0);
const queryMessage = 'Q'.charCodeAt(0);
const headerBytes = 5;

/**
 * Counts on the wire, so that nothing has to be switched on in the server and no other program's statements are
 * counted: an Execute of the extended protocol and a Query of the simple one are a statement each.
 */
export async function startStatementCounter(databaseUrl: string): Promise<StatementCounter> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  let statements = 0;
  const server: Server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    const count = createMessageReader((type) => {
      if (type === executeMessage || type === queryMessage) statements += 1;
    });
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on('data', count);
    client.pipe(upstream);
    upstream.pipe(client);
    for (const [socket, other] of [[client, upstream] as const, [upstream, client] as const]) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    get statements() {
      return statements;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Reads the types of the messages that a client sends; its first message has no type. */
function createMessageReader(onMessage: (type: number) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  let started = false;
  let skip = 0;
  return (chunk) => {
    let data = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const skipped = Math.min(skip, data.length);
      data = data.subarray(skipped);
      skip -= skipped;
      if (data.length < headerBytes) break;
      // The length counts itself; in the first message it comes at once, in all others after the type.
      if (started) {
        onMessage(data[0]!);
        skip = data.readInt32BE(1) + 1;
      } else {
        started = true;
        skip = data.readInt32BE(0);
      }
    }
    pending = data;
  };
}
