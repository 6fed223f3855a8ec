import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { RequestRecord } from '../domain/digest.ts';
import { notFound } from '../domain/errors.ts';
import { decodeCursor } from '../domain/event.ts';
import { parseId, shardOf } from '../domain/ids.ts';
import { parseName } from '../domain/names.ts';
import { watchItems } from '../events/watch-items.ts';
import { maySeeRequest, requestReaders } from './access.ts';
import type { DigestStore } from './digest-store.ts';
import type { RequestUpdates, RequestWatchFilter } from './request-updates.ts';

export interface WatchRequestsArguments {
  readonly namespace: string;
  readonly requestId?: string | null;
  readonly after?: string | null;
}

export interface RequestUpdate {
  readonly cursor: string;
  readonly at: string;
  /** An event's type, or RESYNC: the watcher was too slow, and goes on from this cursor by subscribing again. */
  readonly type: string;
  readonly request: RequestRecord | null;
  readonly actor: string | null;
}

export interface WatchServices {
  readonly watchRequests: (
    actor: Actor | undefined,
    input: WatchRequestsArguments,
  ) => Promise<AsyncIterableIterator<RequestUpdate>>;
}

export interface WatchRequestsDependencies {
  /** One a shard. */
  readonly sources: readonly { readonly shard: number; readonly updates: RequestUpdates }[];
  /** Undefined when an id names no shard. */
  readonly storeOf: (requestId: string) => Pick<DigestStore, 'getRequest'> | undefined;
  readonly now: () => number;
}

/**
 * Watches a namespace's requests, or one of them: first what was missed since a cursor, then live, without a gap or a
 * double. A provider hears of its own.
 * @returns a function that throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createWatchRequests(
  dependencies: WatchRequestsDependencies,
): (actor: Actor | undefined, input: WatchRequestsArguments) => Promise<AsyncIterableIterator<RequestUpdate>> {
  const { sources, storeOf, now } = dependencies;
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, requestReaders);
    const requestId = input.requestId == null ? null : parseId('requestId', input.requestId);
    const after =
      input.after == null
        ? undefined
        : decodeCursor(
            'after',
            input.after,
            sources.map(({ shard }) => shard),
          );
    if (requestId !== null) {
      const request = await storeOf(requestId)?.getRequest(requestId);
      if (request?.namespace !== namespace || !maySeeRequest(actor, request)) throw notFound('Request');
    }
    return watchItems<RequestRecord, RequestWatchFilter, RequestUpdate>({
      sources: requestId === null ? sources : sources.filter(({ shard }) => shard === shardOf(requestId)),
      filter: { namespace, requestId },
      actor,
      after,
      wants: ({ subject }) => maySeeRequest(actor, subject),
      show: ({ event, subject }, cursor) =>
        maySeeRequest(actor, subject)
          ? {
              cursor,
              at: event.at,
              type: event.type,
              request: subject,
              actor: event.actor,
            }
          : undefined,
      resync: (cursor) => ({
        cursor,
        at: new Date(now()).toISOString(),
        type: 'RESYNC',
        request: null,
        actor: null,
      }),
      now,
    });
  };
}
