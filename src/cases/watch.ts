import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, requireRole } from '../domain/actor.ts';
import { Fault, notFound } from '../domain/errors.ts';
import type { EventPlace } from '../domain/event.ts';
import { comparePlaces, decodeCursor, encodeCursor } from '../domain/event.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { HeldCase } from './case-rows.ts';
import type { CaseHappening, CaseUpdates, CaseWatcher, CaseWatchFilter } from './case-updates.ts';
import type { CaseStore } from './store.ts';

export interface WatchCasesArguments {
  readonly namespace: string;
  readonly topic?: string | null;
  readonly caseId?: string | null;
  readonly after?: string | null;
}

export interface CaseUpdate {
  readonly cursor: string;
  readonly at: string;
  /** An event's type, or RESYNC: the watcher was too slow, and goes on from this cursor by subscribing again. */
  readonly type: string;
  readonly held: HeldCase | null;
  /** Who did it; null for those who may not know. */
  readonly actor: string | null;
}

export interface WatchCasesDependencies {
  readonly updates: CaseUpdates;
  readonly store: CaseStore;
  readonly shard: number;
  readonly now: () => number;
}

/**
 * Watches cases that the actor may see: first what was missed since a cursor, then live, without a gap or a double.
 * Ends with a RESYNC update when the watcher is too slow, and with Fault `UNAUTHENTICATED` when its token ends.
 * @returns a function that throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createWatchCases(
  dependencies: WatchCasesDependencies,
): (actor: Actor | undefined, input: WatchCasesArguments) => Promise<AsyncIterableIterator<CaseUpdate>> {
  const { updates, store } = dependencies;
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['applicant', 'auditor', 'supervisor', 'operator']);
    const topic = input.topic === null || input.topic === undefined ? null : parseName('topic', input.topic);
    const caseId = input.caseId === null || input.caseId === undefined ? null : parseId('caseId', input.caseId);
    const after =
      input.after === null || input.after === undefined
        ? undefined
        : (decodeCursor('after', input.after).get(dependencies.shard) ?? { position: 0, sequence: 0 });
    const seesAll = hasAnyRole(actor, ['auditor', 'supervisor', 'operator']);
    if (caseId !== null) {
      const found = await store.get(caseId);
      if (found.case.namespace !== namespace || (!seesAll && found.case.registrant !== actor.subject))
        throw notFound('Case');
    }
    const filter: CaseWatchFilter = { namespace, topic, caseId };
    const watch = new Watch(filter, topic);
    const from = await updates.join(watch);
    return endable(watch.run(dependencies, actor, seesAll, after ?? from, from), () => watch.close());
  };
}

/** One subscription: a bounded buffer between what happens and a client that takes it at its own pace. */
class Watch implements CaseWatcher {
  readonly filter: CaseWatchFilter;
  readonly #topic: string | null;
  readonly #buffer: CaseHappening[] = [];
  #lost = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(filter: CaseWatchFilter, topic: string | null) {
    this.filter = filter;
    this.#topic = topic;
  }

  push(happening: CaseHappening): void {
    if (this.#lost || (this.#topic !== null && happening.event.topic !== this.#topic)) return;
    if (this.#buffer.length >= limits.subscriberBufferUpdates) {
      this.lose();
      return;
    }
    this.#buffer.push(happening);
    this.#wake?.();
  }

  lose(): void {
    this.#lost = true;
    this.#buffer.length = 0;
    this.#wake?.();
  }

  /** The client went away: a generator that waits cannot be ended from outside, so it is woken to end itself. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *run(
    dependencies: WatchCasesDependencies,
    actor: Actor,
    seesAll: boolean,
    after: EventPlace,
    joined: EventPlace,
  ): AsyncGenerator<CaseUpdate> {
    const { updates, shard, now } = dependencies;
    let place = after;
    let until = joined;
    let replayed = 0;
    const show = (happening: CaseHappening): CaseUpdate | undefined => {
      place = happening.event;
      if (!seesAll && happening.held.case.registrant !== actor.subject) return undefined;
      return toUpdate(shard, happening, seesAll);
    };
    try {
      for (;;) {
        // Catch up from the rows. Live events gather meanwhile; when too many did, catch up with those, too.
        for (;;) {
          if (this.#closed) return;
          const page = await updates.replay(this.filter, place, until);
          for (const happening of page.happenings) {
            const update = show(happening);
            if (update !== undefined) yield update;
            this.#checkToken(actor, now);
          }
          replayed += page.happenings.length;
          if (replayed > limits.replayEvents) {
            yield resync(shard, place, now());
            return;
          }
          if (!page.complete) continue;
          if (comparePlaces(until, place) > 0) place = until;
          if (!this.#lost) break;
          until = updates.last;
          this.#lost = false;
        }
        for (;;) {
          if (this.#closed) return;
          this.#checkToken(actor, now);
          const happening = this.#buffer.shift();
          if (happening !== undefined) {
            if (comparePlaces(happening.event, place) <= 0) continue; // replayed already, or before the client's cursor
            const update = show(happening);
            if (update !== undefined) yield update;
            continue;
          }
          if (this.#lost) {
            yield resync(shard, place, now());
            return;
          }
          await this.#wait(actor, now);
        }
      }
    } finally {
      updates.leave(this);
    }
  }

  #checkToken(actor: Actor, now: () => number): void {
    if (actor.expiresAtSeconds !== undefined && now() >= actor.expiresAtSeconds * 1_000) {
      throw new Fault('UNAUTHENTICATED', 'The token has ended');
    }
  }

  /** Until something comes or the token ends. */
  async #wait(actor: Actor, now: () => number): Promise<void> {
    await new Promise<void>((resolve) => {
      const left = actor.expiresAtSeconds === undefined ? undefined : actor.expiresAtSeconds * 1_000 - now();
      const timer =
        left === undefined ? undefined : setTimeout(() => this.#wake?.(), Math.min(Math.max(left, 0), 2_147_483_647));
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

function endable<Value>(generator: AsyncGenerator<Value>, close: () => void): AsyncIterableIterator<Value> {
  return {
    next: () => generator.next(),
    return: (value) => {
      close();
      return generator.return(value);
    },
    throw: (error) => {
      close();
      return generator.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function toUpdate(shard: number, { event, held }: CaseHappening, seesAll: boolean): CaseUpdate {
  return {
    cursor: encodeCursor(new Map([[shard, event]])),
    at: event.at,
    type: event.type,
    held,
    // An applicant learns that somebody works on its case, never who.
    actor: seesAll || event.type === 'REGISTERED' ? event.actor : null,
  };
}

function resync(shard: number, place: EventPlace, now: number): CaseUpdate {
  return {
    cursor: encodeCursor(new Map([[shard, place]])),
    at: new Date(now).toISOString(),
    type: 'RESYNC',
    held: null,
    actor: null,
  };
}
