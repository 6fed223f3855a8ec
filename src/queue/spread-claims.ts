import { backpressure, Fault } from '../domain/errors.ts';
import type { OrderKey } from '../domain/order.ts';
import { compareKeys } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from './announcements.ts';
import { createBatcher } from './batcher.ts';
import type { ClaimRequest, ClaimRow } from './claim-desk.ts';
import type { ClaimResult, Claims, Emptiness, EmptinessFacts } from './claims.ts';
import { explainEmptiness, joinEmptiness } from './claims.ts';

const lookOverTopic = loadStatement('look-over-topic');
const countHeldItems = loadStatement('count-held-items');
const withdrawClaim = loadStatement('withdraw-claim');
/** How often somebody who was served twice at the same moment is tried again. */
const collisionsMax = 10;
const collisionMilliseconds = 20;

export interface SpreadClaimsOptions<Row extends ClaimRow> {
  readonly claims: Claims<Row>;
  readonly shards: ReadonlyMap<number, Shard>;
  readonly announcers: ReadonlyMap<number, Announcer>;
  /** The shards of the own region: the others' items are taken when these have none. */
  readonly isNear: (shard: number) => boolean;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Logger;
}

interface LookRow extends EmptinessFacts {
  readonly held: number;
  readonly priority: number | null;
  readonly deliver_after: string | null;
  readonly id: string | null;
  readonly paused: boolean;
}

interface Sight extends LookRow {
  readonly topic: Topic;
}

interface Question {
  readonly topic: Topic;
  readonly holder: string;
}

/**
 * Hands out the best items of topics that lie on several shards: of a topic, the best of the shards' heads. How many
 * items somebody may hold counts over all shards: after each claim the other shards are asked, and of two that were
 * made at the same moment at least one sees the other and is withdrawn.
 *
 * A shard that cannot be reached is left out: its items wait for it, and what somebody holds there does not count.
 */
export class SpreadClaims<Row extends ClaimRow> {
  readonly #options: SpreadClaimsOptions<Row>;
  /** How many items of the topic's namespace and system a holder holds, by shard. */
  readonly #counters: ReadonlyMap<number, (question: Question) => Promise<number>>;
  readonly #lookers: ReadonlyMap<number, (question: Question) => Promise<LookRow>>;

  constructor(options: SpreadClaimsOptions<Row>) {
    this.#options = options;
    this.#counters = new Map(
      [...options.shards].map(([number, shard]) => [
        number,
        createBatcher<Question, number>({ run: (questions) => countMany(shard, questions) }),
      ]),
    );
    this.#lookers = new Map(
      [...options.shards].map(([number, shard]) => [
        number,
        createBatcher<Question, LookRow>({ run: (questions) => lookMany(shard, questions) }),
      ]),
    );
  }

  /**
   * As `Claims.claim`. `groups` are the topics in the order in which they are wanted, each with its parts on the shards.
   * @throws Fault `BACKPRESSURE` when too many wait, `UNAVAILABLE` when no shard can be reached
   */
  async claim(
    groups: readonly (readonly Topic[])[],
    request: ClaimRequest,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<ClaimResult<Row>> {
    const deadline = this.#options.now() + waitMilliseconds;
    let collisions = 0;
    for (;;) {
      const sights = await this.#lookOver(groups.flat(), request.holder);
      const { heldMax } = request;
      if (heldMax !== null && (await this.#countHeld(sights, groups, request)) >= heldMax) return { kind: 'limit' };
      const result =
        (await this.#claimBest(groups, sights, request)) ??
        (await this.#waitFor(groups.flat(), request, deadline - this.#options.now(), signal));
      if (result === undefined) return pausedGroup(groups, sights) ?? explain(sights);
      if (result.kind !== 'claimed' || heldMax === null || (await this.#keeps(result, request, heldMax))) return result;
      collisions += 1;
      if (collisions > collisionsMax) throw backpressure(100);
      await pause(collisionMilliseconds * this.#options.random());
    }
  }

  /**
   * Of the first topic that has anything for the holder, the shard with the best head; the next one where it is gone. A
   * paused topic counts as empty, unless all are paused.
   */
  async #claimBest(
    groups: readonly (readonly Topic[])[],
    sights: readonly Sight[],
    request: ClaimRequest,
  ): Promise<ClaimResult<Row> | undefined> {
    if (groups.every((group) => isPaused(group, sights))) return pausedGroup(groups, sights);
    for (const group of groups) {
      const seen = sights.filter((sight) => group.includes(sight.topic));
      const heads = seen.flatMap((sight) => {
        const key = headOf(sight);
        return key === undefined || sight.paused ? [] : [{ topic: sight.topic, key }];
      });
      const distance = (topic: Topic): number => (this.#options.isNear(topic.shard) ? 0 : 1);
      heads.sort((a, b) => distance(a.topic) - distance(b.topic) || compareKeys(a.key, b.key));
      for (const { topic } of heads) {
        const result = await this.#attempt(topic, request);
        if (result !== undefined && result.kind !== 'paused') return result;
      }
    }
    return undefined;
  }

  async #attempt(topic: Topic, request: ClaimRequest): Promise<ClaimResult<Row> | undefined> {
    try {
      return await this.#options.claims.claimAtOnce(topic, request);
    } catch (error) {
      if (isUnavailable(error)) return undefined; // the next shard may have something
      throw error;
    }
  }

  async #waitFor(
    topics: readonly Topic[],
    request: ClaimRequest,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<ClaimResult<Row> | undefined> {
    if (milliseconds <= 0 || signal.aborted) return undefined;
    return this.#options.claims.waitInLines(topics, request, milliseconds, signal);
  }

  /** What each shard that answers has of the topics. @throws Fault `UNAVAILABLE` when none answers */
  async #lookOver(topics: readonly Topic[], holder: string): Promise<readonly Sight[]> {
    const looks = await Promise.allSettled(
      topics.map(async (topic): Promise<Sight> => {
        const row = await this.#lookers.get(topic.shard)!({ topic, holder });
        return { ...row, topic };
      }),
    );
    return answered(looks);
  }

  /** Shards that have none of the topics were not looked at yet. */
  async #countHeld(
    sights: readonly Sight[],
    groups: readonly (readonly Topic[])[],
    request: ClaimRequest,
  ): Promise<number> {
    const held = new Map(sights.map((sight) => [sight.topic.shard, sight.held]));
    const topic = groups[0]![0]!;
    const others = [...this.#options.shards.keys()].filter((number) => !held.has(number));
    const counts = await this.#countOn(others, topic, request.holder);
    return [...held.values(), ...counts].reduce((sum, count) => sum + count, 0);
  }

  async #countOn(numbers: readonly number[], topic: Topic, holder: string): Promise<readonly number[]> {
    const counts = await Promise.allSettled(
      numbers.map(async (number) => {
        return this.#counters.get(number)!({ topic, holder });
      }),
    );
    return counts.map((count) => {
      if (count.status === 'fulfilled') return count.value;
      if (isUnavailable(count.reason)) return 0;
      throw count.reason;
    });
  }

  /** Whether the holder may keep what it was just given; otherwise it has been withdrawn. */
  async #keeps(
    claimed: Extract<ClaimResult<Row>, { kind: 'claimed' }>,
    request: ClaimRequest,
    heldMax: number,
  ): Promise<boolean> {
    const { topic, row } = claimed;
    const numbers = [...this.#options.shards.keys()];
    const held = await this.#countOn(numbers, topic, request.holder);
    if (held.reduce((sum, count) => sum + count, 0) <= heldMax) return true;
    const withdrawn = await this.#options.shards
      .get(topic.shard)!
      .run<{ priority: number; deliver_after: string; ticket: string | null }>(withdrawClaim, [
        row.item_id,
        claimed.token,
        'withdrawn: its holder was given another one at the same moment',
      ]);
    const returned = withdrawn[0];
    if (returned === undefined) return false; // it ended meanwhile
    const announcer = this.#options.announcers.get(topic.shard)!;
    const key = { priority: returned.priority, deliverAfter: returned.deliver_after, id: row.item_id! };
    announcer.itemBecameReady(topic, key);
    if (returned.ticket !== null) announcer.giveBack(returned.ticket);
    announcer.eventsWritten();
    this.#options.log.debug({ item: row.item_id, shard: topic.shard }, 'a claim too many was withdrawn');
    return false;
  }
}

async function countMany(shard: Shard, questions: readonly Question[]): Promise<number[]> {
  const rows = await shard.run<{ held: number }>(countHeldItems, [
    questions.map(({ topic }) => topic.namespace),
    questions.map(({ topic }) => topic.system),
    questions.map(({ holder }) => holder),
  ]);
  return rows.map((row) => row.held);
}

async function lookMany(shard: Shard, questions: readonly Question[]): Promise<LookRow[]> {
  const answers = new Array<LookRow>(questions.length);
  for (const [topic, indexes] of Map.groupBy(questions.keys(), (index) => questions[index]!.topic)) {
    const holders = indexes.map((index) => questions[index]!.holder);
    const rows = await shard.run<LookRow>(lookOverTopic, [topic.id, holders]);
    for (const [place, index] of indexes.entries()) answers[index] = rows[place]!;
  }
  return answers;
}

function headOf({ priority, deliver_after: deliverAfter, id }: LookRow): OrderKey | undefined {
  if (priority === null || deliverAfter === null || id === null) return undefined;
  return { priority, deliverAfter, id };
}

/** The answers of those that could be reached. @throws the first failure when it is no outage, or nobody answered */
function answered<Value>(ends: readonly PromiseSettledResult<Value>[]): Value[] {
  const values: Value[] = [];
  let failure: unknown;
  for (const end of ends) {
    if (end.status === 'fulfilled') values.push(end.value);
    else if (!isUnavailable(end.reason)) throw end.reason;
    else failure = end.reason;
  }
  if (values.length === 0 && failure !== undefined) throw failure;
  return values;
}

/** Whether a topic is paused on all shards that could be seen. */
function isPaused(group: readonly Topic[], sights: readonly Sight[]): boolean {
  const seen = sights.filter((sight) => group.includes(sight.topic));
  return seen.length > 0 && seen.every((sight) => sight.paused);
}

/** What is answered when nothing was found and a topic is paused: there may be something in it. */
function pausedGroup<Row extends ClaimRow>(
  groups: readonly (readonly Topic[])[],
  sights: readonly Sight[],
): ClaimResult<Row> | undefined {
  const paused = groups.find((group) => isPaused(group, sights));
  return paused === undefined ? undefined : { kind: 'paused', topic: paused[0]! };
}

function explain<Row extends ClaimRow>(sights: readonly Sight[]): ClaimResult<Row> {
  const emptiness = sights
    .map(({ id, ...sight }) =>
      // Somebody was quicker between the look and the pick.
      id === null ? explainEmptiness(sight) : ({ reason: 'ALL_HELD', nextEligibleAt: null } satisfies Emptiness),
    )
    .reduce<Emptiness>(joinEmptiness, { reason: 'EMPTY', nextEligibleAt: null });
  return { kind: 'none', emptiness };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Fault && error.code === 'UNAVAILABLE';
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
