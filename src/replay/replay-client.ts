import { setTimeout as delay } from 'node:timers/promises';
import { issueToken } from '../auth/tokens.ts';
import { GraphqlClient } from '../load/graphql-client.ts';
import { LoadError } from '../load/load-client.ts';
import type { Random } from '../load/random.ts';
import { mayRetry, waitBeforeRetry } from '../load/retry.ts';
import type { Target } from '../load/run-load.ts';

const timeoutMs = 10_000;
const tokenSeconds = 3_600;

/** Sends operations to the gateways of a system, again and again until one answers: all of them may be repeated. */
export class ReplayClient {
  readonly #http: GraphqlClient;
  readonly #urls: readonly string[];
  readonly #token: string;
  readonly #random: Random;
  #next = 0;
  /** Answers that did not come, and were asked for again. */
  retries = 0;

  private constructor(http: GraphqlClient, urls: readonly string[], token: string, random: Random) {
    this.#http = http;
    this.#urls = urls;
    this.#token = token;
    this.#random = random;
  }

  static async open(target: Target, namespace: string, connections: number, random: Random): Promise<ReplayClient> {
    const token = await issueToken({
      subject: 'replay',
      namespace,
      roles: ['producer', 'operator'],
      secret: target.authSecret,
      expiresInSeconds: tokenSeconds,
      ...(target.authIssuer === undefined ? {} : { issuer: target.authIssuer }),
      ...(target.authAudience === undefined ? {} : { audience: target.authAudience }),
    });
    return new ReplayClient(new GraphqlClient(connections), target.urls, token, random);
  }

  /**
   * @param deadline in milliseconds since 1970, after which it is given up
   * @throws LoadError when the operation is refused, or nobody answers in time
   */
  async ask(query: string, variables: Readonly<Record<string, unknown>>, deadline: number): Promise<Answer> {
    for (let failures = 1; ; failures++) {
      const url = this.#urls[this.#next++ % this.#urls.length]!;
      const reply = await this.#http.send({ query, variables }, { url, token: this.#token, timeoutMs });
      if (reply.kind === 'data') return reply.data as Answer;
      const reason = reply.kind === 'fault' ? `${reply.code}: ${reply.message}` : reply.reason;
      if (!mayRetry(reply) || Date.now() > deadline) throw new LoadError(reason);
      this.retries += 1;
      await delay(waitBeforeRetry(failures, reply.kind === 'fault' ? reply.retryAfterMs : null, this.#random));
    }
  }

  close(): void {
    this.#http.close();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what an operation answers is known where it is written
export type Answer = any;
