import type { Client as SocketClient } from 'graphql-ws';

interface Request {
  readonly query?: string | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

interface Sink {
  // biome-ignore lint/suspicious/noExplicitAny: the results of every subscription pass here
  next(result: any): void;
  error(error: unknown): void;
  complete(): void;
}

interface Update {
  readonly cursor?: string;
  readonly type?: string;
}

/**
 * Subscribes so that nothing is missed and nothing comes twice, whatever happens to the connection: graphql-ws sends
 * the payload anew at each connection, and ours then holds the cursor of the last update that arrived. The gateway ends
 * a subscription that is too slow with RESYNC; it goes on from there in the same way.
 * @returns ends the subscription
 */
export function subscribeResuming(
  sockets: SocketClient,
  request: Request,
  sink: Sink,
  onUpdate: () => void,
): () => void {
  const query = request.query ?? '';
  const resumes = /\$after\b/.test(query);
  let cursor: string | undefined;
  let stop: () => void = () => undefined;
  let stopped = false;
  const start = (): void => {
    let resync = false;
    const payload = {
      query,
      get variables() {
        return resumes && cursor !== undefined ? { ...request.variables, after: cursor } : { ...request.variables };
      },
    };
    stop = sockets.subscribe(payload, {
      next(result) {
        const update = firstField(result.data);
        cursor = update?.cursor ?? cursor;
        resync = update?.type === 'RESYNC';
        onUpdate();
        if (!resync) sink.next(result);
      },
      error: (error) => sink.error(error),
      complete() {
        if (resync && !stopped) start();
        else sink.complete();
      },
    });
  };
  start();
  return () => {
    stopped = true;
    stop();
  };
}

function firstField(data: Readonly<Record<string, unknown>> | null | undefined): Update | undefined {
  const [first] = Object.values(data ?? {});
  return typeof first === 'object' && first !== null ? (first as Update) : undefined;
}
