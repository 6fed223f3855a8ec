import type { CombinedError } from '@urql/core';
import { Client, fetchExchange, mapExchange, subscriptionExchange } from '@urql/core';
import { createClient as createSocketClient } from 'graphql-ws';
import { noteConnected, noteIdle, noteLost, noteUpdate } from '../live/connection.ts';
import { subscribeResuming } from '../live/resume.ts';
import type { Session } from '../session/session.ts';
import { endSession, session } from '../session/session.ts';

const keepAliveMilliseconds = 10_000;
const pauseMillisecondsMax = 5_000;
const unauthenticated: readonly number[] = [4401, 4403];

/** The one way to the gateway of a session. */
export interface Api {
  readonly client: Client;
  close(): void;
}

export function openApi({ token }: Session): Api {
  // A token that was renewed meanwhile is the one to show.
  const authorization = (): string => `Bearer ${session.get()?.token ?? token}`;
  let shown = token;
  // The gateway ends a line with its token. When that was renewed meanwhile, the next line has the new one.
  const isOver = (event: unknown): boolean => isUnauthenticated(event) && (session.get()?.token ?? shown) === shown;
  const sockets = createSocketClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: () => {
      shown = session.get()?.token ?? token;
      return { authorization: authorization() };
    },
    keepAlive: keepAliveMilliseconds,
    // The line is there on every page, also where nothing is followed: a lost one is always shown.
    lazy: false,
    onNonLazyError: () => undefined,
    // People keep a page open all day: it never gives up for good.
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (problem) => !isOver(problem),
    retryWait: (retries) =>
      new Promise((resolve) => {
        const pause = Math.min(pauseMillisecondsMax, 250 * 2 ** Math.min(retries, 6));
        setTimeout(resolve, pause / 2 + Math.random() * pause);
      }),
    on: {
      connected: noteConnected,
      closed: (event) => {
        if (isOver(event)) endSession('Your session has ended.');
        else if ((event as CloseEvent).code !== 1000) noteLost();
        else noteIdle();
      },
    },
  });
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'network-only',
    fetchOptions: () => ({ headers: { authorization: authorization() } }),
    exchanges: [
      mapExchange({
        // A query that was refused as a whole has null for an answer: to the pages that is none.
        onResult: (result) => (result.data === null ? { ...result, data: undefined } : result),
        onError(error) {
          if (hasCode(error, 'UNAUTHENTICATED')) endSession('Your session has ended.');
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({ unsubscribe: subscribeResuming(sockets, request, sink, noteUpdate) }),
        }),
      }),
    ],
  });
  return { client, close: () => void sockets.dispose() };
}

function isUnauthenticated(event: unknown): boolean {
  return unauthenticated.includes((event as Partial<CloseEvent> | undefined)?.code ?? 0);
}

export function hasCode(error: CombinedError | undefined, code: string): boolean {
  return error?.graphQLErrors.some(({ extensions }) => extensions?.code === code) === true;
}

/** What to tell people of an error. */
export function explain(error: CombinedError): string {
  if (error.networkError !== undefined && error.graphQLErrors.length === 0) return 'The gateway cannot be reached.';
  const [first] = error.graphQLErrors;
  if (first === undefined) return 'Something went wrong.';
  if (first.extensions?.code === 'INTERNAL') {
    return `Something went wrong in the gateway. Its log has it under ${String(first.extensions.requestId)}.`;
  }
  return explainProblem(first);
}

/** What to tell people of a refusal that came as a result. */
export function explainProblem({ message }: { readonly message: string }): string {
  return `${message}.`.replace(/\.\.$/, '.');
}
