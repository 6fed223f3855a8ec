import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { decodeCursor, encodeCursor } from '../../src/domain/event.ts';
import { pause } from '../../src/load/load-client.ts';

const subscription = `subscription ($namespace: String!, $after: String) {
  caseUpdated(namespace: $namespace, after: $after) { cursor type }
}`;
const reconnectMilliseconds = 50;

interface Update {
  readonly cursor: string;
  readonly type: string;
}

/**
 * Watches a namespace over a WebSocket, and goes on after its last cursor at the next gateway whenever the socket ends,
 * as a dashboard does.
 */
export class SocketWatcher {
  /** Every event that came, as `position.sequence`, in the order of arrival. */
  readonly places: string[] = [];
  /** The codes with which sockets ended. */
  readonly ends: number[] = [];
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  /** From the beginning: what comes before the first socket is open counts too. */
  #cursor = encodeCursor(new Map([[0, { position: 0, sequence: 0 }]]));

  constructor(urls: readonly string[], token: string, namespace: string) {
    this.#loop = this.#run(urls, token, namespace);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(urls: readonly string[], token: string, namespace: string): Promise<void> {
    const { signal } = this.#stopping;
    for (let turn = 0; !signal.aborted; turn++) {
      const base = urls[turn % urls.length]!.replace('http:', 'ws:');
      await this.#follow(`${base}/graphql`, token, namespace);
      await pause(reconnectMilliseconds, signal);
    }
  }

  /** Follows one socket to its end, however it ends. */
  #follow(url: string, token: string, namespace: string): Promise<void> {
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${token}` },
      on: { closed: (event) => this.ends.push((event as { readonly code: number }).code) },
    });
    return new Promise((resolve) => {
      const end = (): void => {
        void client.dispose();
        resolve();
      };
      this.#stopping.signal.addEventListener('abort', end, { once: true });
      client.subscribe<{ readonly caseUpdated: Update }>(
        { query: subscription, variables: { namespace, after: this.#cursor } },
        { next: ({ data }) => this.#take(data?.caseUpdated), error: end, complete: end },
      );
    });
  }

  #take(update: Update | null | undefined): void {
    if (update === undefined || update === null) return;
    this.#cursor = update.cursor;
    const place = decodeCursor('cursor', update.cursor).get(0);
    if (place !== undefined) this.places.push(`${place.position}.${place.sequence}`);
  }
}
