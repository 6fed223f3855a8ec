import { randomUUID } from 'node:crypto';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import type { Verdict } from '../../src/domain/case.ts';
import { checkHistory } from '../../src/load/check-history.ts';
import type { StuckRule } from '../../src/load/checks/check-stuck.ts';
import type { Findings } from '../../src/load/findings.ts';
import { GraphqlClient } from '../../src/load/graphql-client.ts';
import { HistoryRecorder } from '../../src/load/history-recorder.ts';
import { readLedger } from '../../src/load/ledger.ts';
import { LoadClient } from '../../src/load/load-client.ts';
import type { HeldLease, Result } from '../../src/load/operations.ts';
import {
  claimOperation,
  decideOperation,
  extendOperation,
  registerOperation,
  releaseOperation,
} from '../../src/load/operations.ts';
import { createRandom } from '../../src/load/random.ts';
import type { Target } from '../../src/load/run-load.ts';

const answerMs = 40_000;
const topic = 'cases';

/** The people of a test. Everything that they are told goes into one history, which is judged at the end. */
export class Players {
  readonly namespace: string;
  readonly recorder = new HistoryRecorder();
  readonly #target: Target;
  readonly #seed: number;
  readonly #http = new GraphqlClient(2_000);
  readonly #players: Player[] = [];

  constructor(target: Target, namespace: string, seed = 1) {
    this.#target = target;
    this.namespace = namespace;
    this.#seed = seed;
  }

  /** @param firstUrl which of the target's gateways it asks first */
  async join(name: string, role: Role, firstUrl = 0): Promise<Player> {
    const { urls, authSecret } = this.#target;
    const token = await issueToken({
      subject: name,
      namespace: this.namespace,
      roles: [role],
      secret: authSecret,
      expiresInSeconds: 3_600,
    });
    const leaving = new AbortController();
    const client = new LoadClient({
      name,
      token,
      urls,
      firstUrl,
      http: this.#http,
      random: createRandom(this.#seed, name),
      record: (told) => void this.recorder.told.push(told),
      giveUpMs: answerMs,
      signal: leaving.signal,
    });
    const player = new Player(client, this.namespace, token, leaving);
    this.#players.push(player);
    return player;
  }

  /** Judges everything so far. */
  async judge(rule?: StuckRule): Promise<Findings> {
    return checkHistory(this.recorder, await readLedger(this.#target.databaseUrls, this.namespace), rule);
  }

  close(): void {
    for (const player of this.#players) player.leave();
    this.#http.close();
  }
}

/** An applicant or an auditor. Each wish is repeated, under its key, until there is a result. */
export class Player {
  readonly client: LoadClient;
  readonly token: string;
  readonly #namespace: string;
  readonly #leaving: AbortController;

  constructor(client: LoadClient, namespace: string, token: string, leaving: AbortController) {
    this.#leaving = leaving;
    this.client = client;
    this.#namespace = namespace;
    this.token = token;
  }

  /** Goes away: what it is waiting for ends with `RunOver`. */
  leave(): void {
    this.#leaving.abort();
  }

  /** @returns the case's id */
  async register(key: string = randomUUID(), priority = 0): Promise<string> {
    return (await this.askToRegister(key, priority)).caseId!;
  }

  askToRegister(key: string = randomUUID(), priority = 0): Promise<Result> {
    const operation = registerOperation({
      namespace: this.#namespace,
      topic,
      name: 'Abbott Laboratories',
      email: 'office@abbott.example',
      priority,
      idempotencyKey: key,
    });
    return this.client.ask({ verb: 'register', operation, timeoutMs: answerMs, key });
  }

  /** @returns what was handed out or is held already; undefined when there was nothing */
  async claim(leaseSeconds: number, waitMs = 0): Promise<HeldLease | undefined> {
    const operation = claimOperation(this.#namespace, topic, waitMs, leaseSeconds);
    return (await this.client.ask({ verb: 'claim', operation, timeoutMs: answerMs })).leases[0];
  }

  decide(held: HeldLease, verdict: Verdict = 'APPROVE', key: string = randomUUID()): Promise<Result> {
    const { caseId, lease } = held;
    return this.client.ask({
      verb: 'decide',
      operation: decideOperation(held, verdict, key),
      timeoutMs: answerMs,
      key,
      caseId,
      lease,
      verdict,
    });
  }

  extend(held: HeldLease, seconds: number): Promise<Result> {
    const { caseId, lease } = held;
    return this.client.ask({
      verb: 'extend',
      operation: extendOperation(held, seconds),
      timeoutMs: answerMs,
      caseId,
      lease,
    });
  }

  release(held: HeldLease): Promise<Result> {
    const { caseId, lease } = held;
    return this.client.ask({
      verb: 'release',
      operation: releaseOperation(held, 'not mine'),
      timeoutMs: answerMs,
      caseId,
      lease,
    });
  }
}
