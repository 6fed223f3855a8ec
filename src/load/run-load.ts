import { Client } from 'pg';
import { issueToken } from '../auth/tokens.ts';
import type { Role } from '../domain/actor.ts';
import type { EventPlace } from '../domain/event.ts';
import { comparePlaces, encodeCursor } from '../domain/event.ts';
import { shardOf } from '../domain/ids.ts';
import { createApplicantNames } from './applicants.ts';
import type { Habits } from './auditor.ts';
import { runAuditor } from './auditor.ts';
import { checkHistory, defaultStuckRule } from './check-history.ts';
import type { StuckRule } from './checks/check-stuck.ts';
import type { Findings } from './findings.ts';
import { GraphqlClient } from './graphql-client.ts';
import type { History } from './history.ts';
import { driverClock } from './history.ts';
import { HistoryRecorder } from './history-recorder.ts';
import type { Ledger } from './ledger.ts';
import { readLedger } from './ledger.ts';
import { LoadClient, LoadError, RunOver } from './load-client.ts';
import { createRandom } from './random.ts';
import { runRegistrar } from './registrar.ts';
import { Watcher } from './watcher.ts';

/** The system that a run talks to. */
export interface Target {
  readonly urls: readonly string[];
  /** The record behind those gateways, all its shards in their order, for the checker. */
  readonly databaseUrls: readonly string[];
  readonly authSecret: string;
  readonly authIssuer?: string | undefined;
  readonly authAudience?: string | undefined;
}

export interface LoadPlan {
  readonly runId: string;
  readonly namespace: string;
  readonly cases: number;
  readonly auditors: number;
  readonly registrars: number;
  readonly leaseSeconds: number;
  /** The auditors' long polls, in milliseconds. */
  readonly waitMs: number;
  readonly habits: Habits;
  readonly seed: number;
  /** How long nothing may get on before the run is given up, in milliseconds. */
  readonly stallMs: number;
  readonly stuckRule?: StuckRule;
}

export interface Progress {
  readonly registered: number;
  readonly decided: number;
  readonly cases: number;
}

export interface LoadResult extends Progress {
  readonly plan: LoadPlan;
  readonly findings: Findings;
  readonly history: History;
  readonly ledger: Ledger;
  /** From the first registration to the last decision. */
  readonly seconds: number;
  /** Why the run ended before everything was decided. */
  readonly gaveUp: string | undefined;
}

export interface LoadHooks {
  readonly onProgress?: (progress: Progress) => void;
  /** Runs along with the load, from when everything is set up; aborted when the load is done. Its disturbances count. */
  readonly alongside?: (recorder: HistoryRecorder, signal: AbortSignal) => Promise<void>;
}

const topic = 'cases';
const watcherName = 'watcher';
const tokenSeconds = 86_400;
/** How long the watcher may take to see the last event. */
const updatesMs = 10_000;
const stallLookMs = 500;

/**
 * Registers cases and has auditors work them, all through GraphQL, then reads the record and judges what happened.
 * @throws LoadError when the service refuses what it should accept
 */
export async function runLoad(plan: LoadPlan, target: Target, hooks: LoadHooks = {}): Promise<LoadResult> {
  const run = new LoadRun(plan, target, hooks);
  return run.run();
}

class LoadRun {
  readonly #plan: LoadPlan;
  readonly #target: Target;
  readonly #hooks: LoadHooks;
  readonly #recorder = new HistoryRecorder();
  readonly #over = new AbortController();
  readonly #registered = new Set<string>();
  readonly #decided = new Set<string>();
  readonly #http: GraphqlClient;
  #handedOut = 0;
  /** Cases whose registration and whose decision were both acknowledged. */
  #finished = 0;
  #movedMs = driverClock();
  #gaveUp: string | undefined;

  constructor(plan: LoadPlan, target: Target, hooks: LoadHooks) {
    this.#plan = plan;
    this.#target = target;
    this.#hooks = hooks;
    this.#http = new GraphqlClient(plan.auditors * 2 + plan.registrars * 2);
  }

  async run(): Promise<LoadResult> {
    const plan = this.#plan;
    const recorder = this.#recorder;
    const watcher = await this.#startWatcher();
    const startedMs = driverClock();
    this.#movedMs = startedMs;
    const stallTimer = setInterval(() => this.#lookForStall(), stallLookMs);
    try {
      await this.#work();
    } finally {
      clearInterval(stallTimer);
      this.#http.close();
    }
    const seconds = (this.#movedMs - startedMs) / 1_000;
    const ledger = await readLedger(this.#target.databaseUrls, plan.namespace);
    if (ledger.cases.length === 0 && this.#registered.size > 0) {
      throw new LoadError(
        'The databases that the checker reads have none of the registered cases: DATABASE_URLS names others than the gateways use',
      );
    }
    await this.#finishWatcher(watcher, ledger);
    const findings = checkHistory(recorder, ledger, plan.stuckRule ?? defaultStuckRule);
    return { ...this.#progress(), plan, findings, history: recorder, ledger, seconds, gaveUp: this.#gaveUp };
  }

  #progress(): Progress {
    return { registered: this.#registered.size, decided: this.#decided.size, cases: this.#plan.cases };
  }

  /** Everybody works until all is decided. The first failure ends it for all, and is thrown when all have ended. */
  async #work(): Promise<void> {
    const workers = [...(await this.#startRegistrars()), ...(await this.#startAuditors())];
    const alongside = this.#hooks.alongside?.(this.#recorder, this.#over.signal) ?? Promise.resolve();
    const failures: unknown[] = [];
    const ended = [...workers, alongside].map((worker) =>
      worker.catch((error: unknown) => {
        if (error instanceof RunOver) return;
        failures.push(error);
        this.#over.abort();
      }),
    );
    await Promise.all(ended);
    if (failures.length > 0) throw failures[0];
  }

  async #startRegistrars(): Promise<Promise<void>[]> {
    const { registrars, namespace, cases, runId, habits, seed } = this.#plan;
    const applicantName = createApplicantNames();
    const next = (): number | undefined =>
      this.#handedOut < cases && !this.#over.signal.aborted ? this.#handedOut++ : undefined;
    const clients = await Promise.all(
      Array.from({ length: registrars }, (_, n) => this.#createClient(`applicant-${n + 1}`, 'applicant', n)),
    );
    return clients.map((client) =>
      runRegistrar({
        client,
        namespace,
        topic,
        next,
        applicantName,
        runId,
        random: createRandom(seed, client.name),
        doubles: habits.doubles,
        onRegistered: (caseId) => this.#move(this.#registered, caseId),
      }),
    );
  }

  async #startAuditors(): Promise<Promise<void>[]> {
    const { auditors, namespace, waitMs, leaseSeconds, habits, seed } = this.#plan;
    const clients = await Promise.all(
      Array.from({ length: auditors }, (_, n) => this.#createClient(`auditor-${n + 1}`, 'auditor', n)),
    );
    return clients.map((client) =>
      runAuditor({
        client,
        namespace,
        topic,
        waitMs,
        leaseSeconds,
        habits,
        random: createRandom(seed, client.name),
        signal: this.#over.signal,
        onDecided: (caseId) => this.#move(this.#decided, caseId),
      }),
    );
  }

  async #createClient(name: string, role: Role, number: number): Promise<LoadClient> {
    return new LoadClient({
      name,
      token: await this.#issueToken(name, role),
      urls: this.#target.urls,
      firstUrl: number,
      http: this.#http,
      random: createRandom(this.#plan.seed, `waits of ${name}`),
      record: (told) => void this.#recorder.told.push(told),
      giveUpMs: this.#plan.stallMs,
      signal: this.#over.signal,
    });
  }

  #issueToken(subject: string, role: Role): Promise<string> {
    const { authSecret, authIssuer, authAudience } = this.#target;
    return issueToken({
      subject,
      namespace: this.#plan.namespace,
      roles: [role],
      secret: authSecret,
      expiresInSeconds: tokenSeconds,
      issuer: authIssuer,
      audience: authAudience,
    });
  }

  /** A case got on: it was registered or decided. */
  #move(done: Set<string>, caseId: string): void {
    if (done.has(caseId)) return;
    done.add(caseId);
    this.#movedMs = driverClock();
    this.#hooks.onProgress?.(this.#progress());
    if (this.#registered.has(caseId) && this.#decided.has(caseId)) this.#finished += 1;
    if (this.#finished === this.#plan.cases) this.#over.abort();
  }

  #lookForStall(): void {
    const { stallMs, cases } = this.#plan;
    if (driverClock() - this.#movedMs < stallMs || this.#over.signal.aborted) return;
    this.#gaveUp = `nothing got on for ${stallMs / 1_000} s: ${this.#registered.size} of ${cases} cases registered, ${this.#decided.size} decided`;
    this.#over.abort();
  }

  async #startWatcher(): Promise<Watcher> {
    const watcher = new Watcher({
      name: watcherName,
      token: await this.#issueToken(watcherName, 'supervisor'),
      namespace: this.#plan.namespace,
      urls: this.#target.urls,
      after: await readEndOfEvents(this.#target.databaseUrls),
      record: (seen) => void this.#recorder.seen.push(seen),
    });
    this.#recorder.watchers.push(watcherName);
    await watcher.start();
    return watcher;
  }

  async #finishWatcher(watcher: Watcher, ledger: Ledger): Promise<void> {
    const last = new Map<number, EventPlace>();
    for (const { caseId, position, sequence } of ledger.events) {
      const known = last.get(shardOf(caseId));
      // In the feed's order, which is not the order of the sequence alone.
      if (known === undefined || comparePlaces(known, { position, sequence }) < 0)
        last.set(shardOf(caseId), { position, sequence });
    }
    await watcher.reach(last, updatesMs);
    await watcher.stop();
  }
}

/** The cursor after everything that happened so far. */
async function readEndOfEvents(databaseUrls: readonly string[]): Promise<string> {
  const places = await Promise.all(databaseUrls.map(readLastPlace));
  return encodeCursor(new Map(places.entries()));
}

async function readLastPlace(databaseUrl: string): Promise<EventPlace> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: updatesMs,
    query_timeout: updatesMs,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ position: number; sequence: number }>(
      'select position::float8 as position, sequence::float8 as sequence from events order by events.position desc, events.sequence desc limit 1',
    );
    return rows[0] ?? { position: 0, sequence: 0 };
  } finally {
    await client.end();
  }
}
