import { RequestCache } from '@pothos/plugin-scope-auth';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { execute, type OperationTypeNode, subscribe } from 'graphql';
import type { Config } from '../config.ts';
import type { Actor } from '../domain/actor.ts';
import { backpressure, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { OperationContext } from './context.ts';
import type { PreparedDocument, PreparedOperation } from './documents.ts';
import { createDocuments } from './documents.ts';
import type { EventStream } from './events.ts';
import { createEventStream } from './events.ts';
import type { FaultPlace, OperationResult, WireError } from './fault-format.ts';
import { toWireError } from './fault-format.ts';
import { findInputFaults } from './input-faults.ts';
import type { OperationParameters } from './parameters.ts';
import { countCost, tooComplex } from './query-limits.ts';

/** Subscriptions that one process carries, over sockets and streams together. */
const subscriptionsMax = 20_000;
/** The longest time that a timer can be set to. */
const timerMillisecondsMax = 2_147_483_647;
const reconnectMilliseconds = 1_000;

/** One operation that may run: parsed, validated, within the limits, and chosen from its document. */
export interface Plan {
  readonly prepared: PreparedDocument;
  readonly operation: PreparedOperation;
  readonly kind: OperationTypeNode;
  readonly parameters: OperationParameters;
}

/** An operation that does not run, and why. */
export interface Refusal {
  readonly errors: readonly WireError[];
}

/** Runs operations for every way in. All limits, codes and masking are here, so that no way in can go without them. */
export interface Operations {
  /** Decides whether and what to run. Costs next to nothing for a document that was seen before. */
  plan(parameters: OperationParameters, requestId: string): Plan | Refusal;
  /** Runs a query or mutation. Never throws. */
  run(plan: Plan, context: OperationContext): Promise<OperationResult> | OperationResult;
  /** Starts a subscription. Never throws; one that cannot start answers with its errors. */
  subscribe(plan: Plan, context: OperationContext): Promise<EventStream | OperationResult>;
  readonly schema: GraphQLSchema;
  /** Subscriptions that are open. */
  readonly subscriptionCount: number;
}

export interface OperationsOptions {
  readonly schema: GraphQLSchema;
  readonly mode: Config['mode'];
  readonly log: Logger;
}

export function isRefusal(plan: Plan | Refusal): plan is Refusal {
  return 'errors' in plan;
}

export function createOperations({ schema, mode, log }: OperationsOptions): Operations {
  const prepareDocument = createDocuments(schema, mode);
  const hideSuggestions = mode === 'production';
  let subscriptions = 0;

  const executionArguments = ({ prepared, operation, parameters }: Plan, context: OperationContext) => ({
    schema,
    document: prepared.document,
    operationName: operation.node.name?.value,
    variableValues: parameters.variables,
    contextValue: context,
    hideSuggestions,
  });

  const findExcess = ({ prepared, operation, parameters }: Plan, place: FaultPlace): OperationResult | undefined => {
    if (!operation.costDependsOnVariables) return undefined;
    const { fragments } = prepared;
    const { complexity } = countCost({ schema, operation: operation.node, fragments, variables: parameters.variables });
    if (complexity <= limits.queryComplexity) return undefined;
    return { errors: [toWireError(tooComplex('The query asks for too much at once'), place)] };
  };

  const finish = (result: ExecutionResult, plan: Plan, place: FaultPlace): OperationResult => {
    if (result.errors === undefined) return result as OperationResult;
    if ('data' in result) {
      return { errors: result.errors.map((error) => toWireError(error, place)), data: result.data };
    }
    const { prepared, operation, parameters } = plan;
    const faults = findInputFaults({
      schema,
      document: prepared.document,
      operation: operation.node,
      variables: parameters.variables,
      hideSuggestions,
    });
    return { errors: faults.length > 0 ? faults : result.errors.map((error) => toWireError(error, place)) };
  };

  const open = (source: AsyncGenerator<ExecutionResult, void, void>, plan: Plan, context: OperationContext) => {
    const place = { requestId: context.requestId, log };
    subscriptions += 1;
    // Between two results it may be hours: what the plugin remembers for a context, 2 KB of it, is quickly made anew.
    RequestCache.clearForContext(context);
    return createEventStream({
      source,
      format: (result) => {
        RequestCache.clearForContext(context);
        return finish(result, plan, place);
      },
      formatFailure: (error) => ({ errors: [toWireError(error, place)] }),
      onEnd: () => {
        subscriptions -= 1;
        context.abandon();
      },
    });
  };

  return {
    schema,

    get subscriptionCount() {
      return subscriptions;
    },

    plan(parameters, requestId) {
      const place = { requestId, log };
      const prepared = prepareDocument(parameters.query, place);
      if ('errors' in prepared) return prepared;
      const operation = chooseOperation(prepared, parameters.operationName);
      if (operation instanceof Fault) return { errors: [toWireError(operation, place)] };
      return { prepared, operation, kind: operation.node.operation, parameters };
    },

    run(plan, context) {
      const place = { requestId: context.requestId, log };
      const fail = (error: unknown): OperationResult => ({ errors: [toWireError(error, place)] });
      try {
        const excess = findExcess(plan, place);
        if (excess !== undefined) return excess;
        const result = execute(executionArguments(plan, context));
        if (!(result instanceof Promise)) return finish(result, plan, place);
        return result
          .then((value) => {
            // What the plugin remembers for a context points back at it. In a WeakMap such an entry outlives every minor
            // collection, and all that the request has made with it.
            RequestCache.clearForContext(context);
            return finish(value, plan, place);
          })
          .catch(fail);
      } catch (error) {
        return fail(error);
      }
    },

    async subscribe(plan, context) {
      const place = { requestId: context.requestId, log };
      try {
        const excess = findExcess(plan, place);
        if (excess !== undefined) return excess;
        if (subscriptions >= subscriptionsMax) throw backpressure(reconnectMilliseconds);
        const result = await subscribe(executionArguments(plan, context));
        if (!(Symbol.asyncIterator in result)) return finish(result, plan, place);
        return open(result, plan, context);
      } catch (error) {
        return { errors: [toWireError(error, place)] };
      }
    },
  };
}

/** What everybody hears who comes while the gateway is stopping. */
export function shuttingDown(): Fault {
  return new Fault('UNAVAILABLE', 'The gateway is shutting down', { retryAfterMs: reconnectMilliseconds });
}

function chooseOperation({ operations }: PreparedDocument, name: string | undefined): PreparedOperation | Fault {
  if (name === undefined) {
    if (operations.length === 1) return operations[0]!;
    return new Fault('BAD_REQUEST', 'The document must have one operation, or the request must name one');
  }
  const named = operations.find(({ node }) => node.name?.value === name);
  return named ?? new Fault('BAD_REQUEST', 'The document has no operation of that name');
}

/** Calls back when the actor's token runs out; never for one that does not end within 24 days. */
export function onExpiry(actor: Actor | undefined, callback: () => void): NodeJS.Timeout | undefined {
  if (actor?.expiresAtSeconds === undefined) return undefined;
  const milliseconds = Math.max(0, actor.expiresAtSeconds * 1_000 - Date.now());
  if (milliseconds > timerMillisecondsMax) return undefined;
  return setTimeout(callback, milliseconds).unref();
}
