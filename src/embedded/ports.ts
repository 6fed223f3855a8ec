import { createServer } from 'node:net';

export const loopback = '127.0.0.1';

/** A port is taken by another program. The message says which port and for what it was wanted. */
export class PortBusyError extends Error {
  override readonly name = 'PortBusyError';
  readonly port: number;

  constructor(port: number, purpose: string) {
    super(
      `Port ${port} on ${loopback}, wanted for ${purpose}, is used by another program. Stop that program or choose another port`,
    );
    this.port = port;
  }
}

/** A port that was free a moment ago. Whoever uses it must still expect to be overtaken. */
export async function findFreePort(): Promise<number> {
  return listenBriefly(0);
}

/**
 * Makes sure that a port can be listened on, so that a server's own error need not be understood.
 * @throws PortBusyError when it cannot.
 */
export async function requireFreePort(port: number, purpose: string): Promise<void> {
  try {
    await listenBriefly(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new PortBusyError(port, purpose);
    throw error;
  }
}

function listenBriefly(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: loopback, exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error(`No port was given for ${loopback}`));
        else resolve(address.port);
      });
    });
  });
}
