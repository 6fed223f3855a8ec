import type { Actor } from '../domain/actor.ts';
import { Fault } from '../domain/errors.ts';
import type { EventPlace } from '../domain/event.ts';
import { comparePlaces } from '../domain/event.ts';
import { limits } from '../domain/limits.ts';
import type { Happening, ItemUpdates, Watcher } from './item-updates.ts';

export interface WatchOptions<Subject, Filter extends { readonly namespace: string }, Update> {
  readonly updates: ItemUpdates<Subject, Filter>;
  readonly filter: Filter;
  readonly actor: Actor;
  /** Goes on after this place; undefined: from now on. */
  readonly after: EventPlace | undefined;
  /** What the watcher gets to see; undefined: nothing. */
  readonly show: (happening: Happening<Subject>) => Update | undefined;
  /** Tells a watcher that was too slow from where to go on. */
  readonly resync: (place: EventPlace) => Update;
  /** Which of the happenings under its key the watcher wants. */
  readonly wants: (happening: Happening<Subject>) => boolean;
  readonly now: () => number;
}

/**
 * Watches items: first what was missed since a place, then live, without a gap or a double. Ends with a resync when the
 * watcher is too slow, and with Fault `UNAUTHENTICATED` when its token ends.
 * @throws Fault `UNAVAILABLE` when the record cannot be reached
 */
export async function watchItems<Subject, Filter extends { readonly namespace: string }, Update>(
  options: WatchOptions<Subject, Filter, Update>,
): Promise<AsyncIterableIterator<Update>> {
  const watch = new Watch(options);
  const from = await options.updates.join(watch);
  return endable(watch.run(options.after ?? from, from), () => watch.close());
}

/** One subscription: a bounded buffer between what happens and a client that takes it at its own pace. */
class Watch<Subject, Filter extends { readonly namespace: string }, Update> implements Watcher<Subject, Filter> {
  readonly #options: WatchOptions<Subject, Filter, Update>;
  readonly #buffer: Happening<Subject>[] = [];
  #lost = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: WatchOptions<Subject, Filter, Update>) {
    this.#options = options;
  }

  get filter(): Filter {
    return this.#options.filter;
  }

  push(happening: Happening<Subject>): void {
    if (this.#lost || !this.#options.wants(happening)) return;
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
    // A generator that was never started does not come to its own end.
    this.#options.updates.leave(this);
    this.#wake?.();
  }

  async *run(after: EventPlace, joined: EventPlace): AsyncGenerator<Update> {
    const { updates, show, resync } = this.#options;
    let place = after;
    let until = joined;
    let replayed = 0;
    try {
      for (;;) {
        // Catch up from the rows. Live events gather meanwhile; when too many did, catch up with those, too.
        for (;;) {
          if (this.#closed) return;
          const page = await updates.replay(this.filter, place, until);
          for (const happening of page.happenings) {
            place = happening.event;
            const update = show(happening);
            if (update !== undefined) yield update;
            this.#checkToken();
          }
          replayed += page.happenings.length;
          if (replayed > limits.replayEvents) {
            yield resync(place);
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
          this.#checkToken();
          const happening = this.#buffer.shift();
          if (happening !== undefined) {
            if (comparePlaces(happening.event, place) <= 0) continue; // replayed already, or before the client's cursor
            place = happening.event;
            const update = show(happening);
            if (update !== undefined) yield update;
            continue;
          }
          if (this.#lost) {
            yield resync(place);
            return;
          }
          await this.#wait();
        }
      }
    } finally {
      updates.leave(this);
    }
  }

  #checkToken(): void {
    const { actor, now } = this.#options;
    if (actor.expiresAtSeconds !== undefined && now() >= actor.expiresAtSeconds * 1_000) {
      throw new Fault('UNAUTHENTICATED', 'The token has ended');
    }
  }

  /** Until something comes or the token ends. */
  async #wait(): Promise<void> {
    const { actor, now } = this.#options;
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
