import type { Actor } from '../domain/actor.ts';
import { Fault } from '../domain/errors.ts';
import type { EventPlace } from '../domain/event.ts';
import { comparePlaces, encodeCursor } from '../domain/event.ts';
import { limits } from '../domain/limits.ts';
import type { Happening, ItemUpdates, Watcher } from './item-updates.ts';

/** A shard that could not be reached is tried again after this long. */
const shardAwayMilliseconds = 1_000;

/** What happens on one shard. */
export interface WatchSource<Subject, Filter extends { readonly namespace: string }> {
  readonly shard: number;
  readonly updates: ItemUpdates<Subject, Filter>;
}

export interface WatchOptions<Subject, Filter extends { readonly namespace: string }, Update> {
  /** The shards that are watched, at least one. */
  readonly sources: readonly WatchSource<Subject, Filter>[];
  readonly filter: Filter;
  readonly actor: Actor;
  /**
   * Goes on after these places; undefined: from now on. A shard that is not among them is new to the watcher, who gets
   * all that happened there.
   */
  readonly after: ReadonlyMap<number, EventPlace | undefined> | undefined;
  /** What the watcher gets to see; undefined: nothing. */
  readonly show: (happening: Happening<Subject>, cursor: string) => Update | undefined;
  /** Tells a watcher that was too slow, or whose place does not exist, from where to go on. */
  readonly resync: (cursor: string) => Update;
  /** Which of the happenings under its key the watcher wants. */
  readonly wants: (happening: Happening<Subject>) => boolean;
  readonly now: () => number;
}

/**
 * Watches items: first what was missed since a place, then live, without a gap or a double. Ends with a resync when the
 * watcher is too slow or its place lies ahead of all that happened, and with Fault `UNAUTHENTICATED` when its token
 * ends. Of several shards, each one's happenings come in their order; one that cannot be reached holds up no other, and
 * goes on when it is back.
 * @throws Fault `UNAVAILABLE` when no shard can be reached
 */
export async function watchItems<Subject, Filter extends { readonly namespace: string }, Update>(
  options: WatchOptions<Subject, Filter, Update>,
): Promise<AsyncIterableIterator<Update>> {
  const { sources, after, show, resync } = options;
  const tries = await Promise.allSettled(sources.map((source) => openWatch(options, source)));
  const opened = tries.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
  const failures: unknown[] = tries.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const failure =
    failures.find((reason) => !isUnavailable(reason)) ?? (failures.length === sources.length && failures[0]);
  if (failure) {
    for (const watch of opened) watch?.watch.close();
    throw failure;
  }
  const places = new Map(after);
  for (const [index, { shard }] of sources.entries()) {
    const from = opened[index]?.from;
    if (after === undefined || (after.has(shard) && after.get(shard) === undefined)) places.set(shard, from);
    else if (!after.has(shard)) places.set(shard, { position: 0, sequence: 0 });
  }
  const shows = function* (shard: number, step: Step<Subject>): Generator<Update> {
    places.set(shard, step.place);
    const cursor = encodeCursor(places);
    const update = step.happening === undefined ? resync(cursor) : show(step.happening, cursor);
    if (update !== undefined) yield update;
  };
  if (sources.length === 1) {
    const { watch, from } = opened[0]!;
    const { shard } = sources[0]!;
    const only = async function* (): AsyncGenerator<Update> {
      for await (const step of watch.run(places.get(shard) ?? from, from)) yield* shows(shard, step);
    };
    return endable(only(), () => watch.close());
  }
  const followers = sources.map(
    (source, index) => new Follower(options, source, opened[index], places.get(source.shard)),
  );
  const merged = async function* (): AsyncGenerator<Update> {
    for await (const { shard, step } of mergeSteps(followers)) {
      yield* shows(shard, step);
      if (step.happening === undefined) return;
    }
  };
  return endable(merged(), () => {
    for (const follower of followers) follower.close();
  });
}

async function openWatch<Subject, Filter extends { readonly namespace: string }, Update>(
  options: WatchOptions<Subject, Filter, Update>,
  source: WatchSource<Subject, Filter>,
): Promise<OpenWatch<Subject, Filter>> {
  const watch = new Watch(options, source.updates);
  return { watch, from: await source.updates.join(watch) };
}

interface OpenWatch<Subject, Filter extends { readonly namespace: string }> {
  readonly watch: Watch<Subject, Filter>;
  /** From here on it hears everything. */
  readonly from: EventPlace;
}

/** What a watch comes to: something happened, or (without a happening) too much did, and the watch is over. */
interface Step<Subject> {
  readonly place: EventPlace;
  readonly happening: Happening<Subject> | undefined;
}

/** One shard of several: goes on after an outage where it was. */
class Follower<Subject, Filter extends { readonly namespace: string }> {
  readonly shard: number;
  readonly #options: WatchOptions<Subject, Filter, unknown>;
  readonly #source: WatchSource<Subject, Filter>;
  #opened: OpenWatch<Subject, Filter> | undefined;
  #place: EventPlace | undefined;
  #closed = false;
  #endPause: (() => void) | undefined;

  constructor(
    options: WatchOptions<Subject, Filter, unknown>,
    source: WatchSource<Subject, Filter>,
    opened: OpenWatch<Subject, Filter> | undefined,
    place: EventPlace | undefined,
  ) {
    this.shard = source.shard;
    this.#options = options;
    this.#source = source;
    this.#opened = opened;
    this.#place = place;
  }

  close(): void {
    this.#closed = true;
    this.#opened?.watch.close();
    this.#endPause?.();
  }

  async *run(): AsyncGenerator<Step<Subject>> {
    while (!this.#closed) {
      try {
        this.#opened ??= await openWatch(this.#options, this.#source);
        const { watch, from } = this.#opened;
        if (this.#closed) watch.close();
        for await (const step of watch.run(this.#place ?? from, from)) {
          this.#place = step.place;
          yield step;
        }
        return;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        this.#opened = undefined;
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#endPause?.(), shardAwayMilliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        this.#endPause = undefined;
        resolve();
      };
    });
  }
}

/** The steps of all as they come, at most one of each ahead of the reader. Ends with the first that fails. */
async function* mergeSteps<Subject, Filter extends { readonly namespace: string }>(
  followers: readonly Follower<Subject, Filter>[],
): AsyncGenerator<{ readonly shard: number; readonly step: Step<Subject> }> {
  const runs = followers.map((follower) => ({ follower, steps: follower.run() }));
  const arrived: (() => { shard: number; step: Step<Subject> } | undefined)[] = [];
  let wake: (() => void) | undefined;
  let running = runs.length;
  const ask = (run: (typeof runs)[number]): void => {
    run.steps.next().then(
      (next) => {
        arrived.push(() => {
          if (next.done === true) {
            running -= 1;
            return undefined;
          }
          ask(run);
          return { shard: run.follower.shard, step: next.value };
        });
        wake?.();
      },
      (error: unknown) => {
        arrived.push(() => {
          throw error;
        });
        wake?.();
      },
    );
  };
  try {
    for (const run of runs) ask(run);
    while (running > 0) {
      const take = arrived.shift();
      if (take === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        continue;
      }
      const taken = take();
      if (taken !== undefined) yield taken;
    }
  } finally {
    for (const { follower } of runs) follower.close();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Fault && error.code === 'UNAVAILABLE';
}

/** One subscription to one shard: a bounded buffer between what happens and a client that takes it at its own pace. */
class Watch<Subject, Filter extends { readonly namespace: string }> implements Watcher<Subject, Filter> {
  readonly #options: WatchOptions<Subject, Filter, unknown>;
  readonly #updates: ItemUpdates<Subject, Filter>;
  readonly #buffer: Happening<Subject>[] = [];
  #lost = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: WatchOptions<Subject, Filter, unknown>, updates: ItemUpdates<Subject, Filter>) {
    this.#options = options;
    this.#updates = updates;
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
    this.#updates.leave(this);
    this.#wake?.();
  }

  async *run(after: EventPlace, joined: EventPlace): AsyncGenerator<Step<Subject>> {
    const updates = this.#updates;
    let place = after;
    let until = joined;
    let replayed = 0;
    try {
      if (await updates.isAhead(after)) {
        yield { place: joined, happening: undefined };
        return;
      }
      for (;;) {
        // Catch up from the rows. Live events gather meanwhile; when too many did, catch up with those, too.
        for (;;) {
          if (this.#closed) return;
          const page = await updates.replay(this.filter, place, until);
          for (const happening of page.happenings) {
            place = happening.event;
            yield { place, happening };
            this.#checkToken();
          }
          replayed += page.happenings.length;
          if (replayed > limits.replayEvents) {
            yield { place, happening: undefined };
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
            yield { place, happening };
            continue;
          }
          if (this.#lost) {
            yield { place, happening: undefined };
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
