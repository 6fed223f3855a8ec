import { randomUUID } from 'node:crypto';
import type { ExecutionArgs } from 'graphql';
import { GraphQLError } from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { CloseCode } from 'graphql-ws';
import type { Authenticate } from '../auth/tokens.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { Services } from '../services.ts';
import { OperationContext } from './context.ts';
import type { EventStream } from './events.ts';
import type { OperationResult, WireError } from './fault-format.ts';
import { toWireError } from './fault-format.ts';
import type { Operations } from './operations.ts';
import { isRefusal, onExpiry, shuttingDown } from './operations.ts';
import { assertCleanVariables } from './parameters.ts';
import type { Session } from './socket-session.ts';
import { forgetOperation } from './socket-session.ts';

/** Closes the socket of a client that may come back at once, with the same token. */
export const tryAgainLater = 1013;

export interface ProtocolOptions {
  readonly operations: Operations;
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly log: Logger;
  readonly isDraining: () => boolean;
}

export type ConnectionParams = Record<string, unknown>;

/** What goes with each connection of the protocol's library. */
export interface Extra extends Record<PropertyKey, unknown> {
  readonly session: Session;
}

type Connection = Context<ConnectionParams, Extra>;

/** What has been started for a message, for the library to send. */
interface StartedArgs extends ExecutionArgs {
  readonly outcome: EventStream | OperationResult;
}

/** What `graphql-ws` asks of a server. Operations run in `operations.ts`, as they do for HTTP. */
export function createProtocolHooks(options: ProtocolOptions): ServerOptions<ConnectionParams, Extra> {
  return {
    connectionInitWaitTimeout: limits.socketConnectionInitMilliseconds,
    onConnect: (connection) => admit(connection, options),
    onSubscribe: (connection, id, payload) => start(connection, id, payload, options),
    // The library's types ask for GraphQL's own errors, where these results have what is left of one for the wire.
    execute: (args) => (args as StartedArgs).outcome as never,
    subscribe: (args) => (args as StartedArgs).outcome as never,
    onNext: (_connection, _id, _payload, _args, result) => result as never,
    onComplete: ({ extra }, _id, payload) => forgetOperation(extra.session, payload),
  };
}

/** Checks the token that came with the first message, and sets the socket's end to the token's. */
async function admit(
  { connectionParams, extra: { session } }: Connection,
  { authenticate, log }: ProtocolOptions,
): Promise<boolean> {
  const given = connectionParams?.authorization ?? connectionParams?.Authorization;
  const { socket } = session;
  try {
    if (given !== undefined && typeof given !== 'string') throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
    session.actor = await authenticate(given);
  } catch (error) {
    const { code } = toWireError(error, { requestId: randomUUID(), log }).extensions;
    if (code === 'UNAUTHENTICATED') socket.close(CloseCode.Unauthorized, 'Unauthorized');
    else socket.close(tryAgainLater, 'Tokens cannot be checked right now');
    return false;
  }
  session.expiry = onExpiry(session.actor, () => socket.close(CloseCode.Forbidden, 'The token has expired'));
  return true;
}

/**
 * Starts an operation. One that cannot run, or a subscription that cannot start, is answered with an `error` frame;
 * what ran is answered with `next`, errors and all.
 */
async function start(
  { extra: { session } }: Connection,
  id: string,
  payload: SubscribePayload,
  { operations, services, log, isDraining }: ProtocolOptions,
): Promise<StartedArgs | readonly GraphQLError[]> {
  const requestId = randomUUID();
  try {
    if (isDraining()) throw shuttingDown();
    if (session.running.size >= limits.subscriptionsPerSocket) {
      throw new Fault('RATE_LIMITED', 'This socket has too many operations at a time', { retryAfterMs: 1_000 });
    }
    const variables = payload.variables ?? undefined;
    assertCleanVariables({ query: payload.query, variables });
    const operationName = payload.operationName === '' ? undefined : (payload.operationName ?? undefined);
    const plan = operations.plan({ query: payload.query, operationName, variables }, requestId);
    if (isRefusal(plan)) return plan.errors.map(toProtocolError);

    const context = new OperationContext(session.actor, requestId, services);
    const isSubscription = plan.kind === 'subscription';
    session.running.set(payload, { id, context, isSubscription });
    const outcome = await (isSubscription ? operations.subscribe(plan, context) : operations.run(plan, context));
    if ('errors' in outcome && !('data' in outcome)) {
      forgetOperation(session, payload);
      return (outcome.errors ?? []).map(toProtocolError);
    }
    return { schema: operations.schema, document: plan.prepared.document, operationName, outcome };
  } catch (error) {
    return [toProtocolError(toWireError(error, { requestId, log }))];
  }
}

/** The library takes GraphQL's own errors only, and asks them for their wire form. */
function toProtocolError(wire: WireError): GraphQLError {
  return Object.assign(new GraphQLError(wire.message), { toJSON: () => wire });
}
