import type { Verdict } from '../domain/case.ts';
import type { GraphqlClient, Operation, Reply } from './graphql-client.ts';
import type { Told, ToldLease, Verb } from './history.ts';
import { driverClock } from './history.ts';
import type { Result } from './operations.ts';
import { readResult } from './operations.ts';
import type { Random } from './random.ts';
import { mayRetry, outcomeWithoutResult, waitBeforeRetry } from './retry.ts';

/** The service refused a request that should be good, or did not answer for too long. The message says what happened. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
}

/** The run is over: whoever still waits gives up. */
export class RunOver extends Error {
  override readonly name = 'RunOver';
}

/** One thing that a client wants done, sent again until there is a result. */
export interface Wish {
  readonly verb: Verb;
  readonly operation: Operation;
  /** Longest time to an answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly key?: string;
  readonly caseId?: string;
  readonly lease?: ToldLease;
  readonly verdict?: Verdict;
}

export interface LoadClientOptions {
  /** The subject of its token. */
  readonly name: string;
  readonly token: string;
  /** Gateways; a client stays with one until it fails, then takes the next. */
  readonly urls: readonly string[];
  readonly firstUrl: number;
  readonly http: GraphqlClient;
  readonly random: Random;
  readonly record: (told: Told) => void;
  /** How long a wish may go without a result before the run is given up. */
  readonly giveUpMs: number;
  readonly signal: AbortSignal;
}

const doneTypes: ReadonlySet<string> = new Set([
  'CaseRegistered',
  'CaseClaimed',
  'ClaimLimitReached',
  'LeaseExtended',
  'CaseReleased',
  'CaseDecided',
]);

/**
 * A client that behaves as clients should: one idempotency key for one wish, repeated until there is a result; waits as
 * long as it is asked to, with jitter; goes to another gateway when its own is not there.
 */
export class LoadClient {
  readonly name: string;
  readonly #options: LoadClientOptions;
  #url: number;

  constructor(options: LoadClientOptions) {
    this.name = options.name;
    this.#options = options;
    this.#url = options.firstUrl % options.urls.length;
  }

  /**
   * Asks until there is a result; each request goes into the history.
   * @throws LoadError for a refusal that repeating cannot help, or after `giveUpMs`; RunOver when the run ended
   */
  async ask(wish: Wish): Promise<Result> {
    const { urls, random, giveUpMs, signal } = this.#options;
    const deadline = driverClock() + giveUpMs;
    for (let failures = 1; ; failures++) {
      if (signal.aborted) throw new RunOver();
      const { reply, result } = await this.#send(wish);
      if (result !== undefined) return result;
      if (!mayRetry(reply)) throw new LoadError(`${wish.verb} was refused: ${explain(reply)}`);
      if (driverClock() > deadline)
        throw new LoadError(
          `${wish.verb} got no result for ${giveUpMs / 1_000} s; the last answer was: ${explain(reply)}`,
        );
      const away = reply.kind === 'broken' || reply.code === 'UNAVAILABLE';
      if (away) this.#url = (this.#url + 1) % urls.length;
      // The other gateways have not been asked yet: they may be well.
      if (away && failures < urls.length) continue;
      await pause(waitBeforeRetry(failures, reply.kind === 'fault' ? reply.retryAfterMs : null, random), signal);
    }
  }

  async #send(
    wish: Wish,
  ): Promise<{ reply: Exclude<Reply, { kind: 'data' }>; result: undefined } | { reply: Reply; result: Result }> {
    const { urls, token, http, record, signal } = this.#options;
    const startedMs = driverClock();
    const reply = await http.send(wish.operation, { url: urls[this.#url]!, token, timeoutMs: wish.timeoutMs, signal });
    const base = { client: this.name, verb: wish.verb, startedMs, endedMs: driverClock(), key: wish.key ?? null };
    const acted = { caseId: wish.caseId ?? null, lease: wish.lease ?? null, verdict: wish.verdict ?? null };
    if (reply.kind !== 'data') {
      if (signal.aborted) throw new RunOver();
      record({
        ...base,
        ...acted,
        outcome: outcomeWithoutResult(reply),
        answer: reply.kind === 'fault' ? reply.code : reply.reason,
      });
      return { reply, result: undefined };
    }
    const result = readResult(wish.verb, reply.data);
    const outcome = doneTypes.has(result.type) ? 'ok' : 'fail';
    if (wish.verb === 'claim' && result.leases.length > 0) {
      for (const held of result.leases)
        record({ ...base, outcome, answer: result.type, caseId: held.caseId, lease: held.lease, verdict: null });
    } else {
      const lease = wish.verb === 'extend' && outcome === 'ok' ? (result.leases[0]?.lease ?? null) : acted.lease;
      const verdict = outcome === 'ok' ? (result.verdict ?? acted.verdict) : acted.verdict;
      record({ ...base, outcome, answer: result.type, caseId: acted.caseId ?? result.caseId, lease, verdict });
    }
    return { reply, result };
  }
}

function explain(reply: Exclude<Reply, { kind: 'data' }>): string {
  return reply.kind === 'fault' ? `${reply.code}: ${reply.message}` : reply.reason;
}

/** Waits so long, or until the run is over. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}
