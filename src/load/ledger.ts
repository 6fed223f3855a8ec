import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import type { Verdict } from '../domain/case.ts';

/** An entry of the append-only table of events. Times are the database's, in microseconds since the epoch. */
export interface LedgerEvent {
  readonly position: number;
  /** Rises with each step of one case: it is taken under the case's lock. */
  readonly sequence: number;
  readonly caseId: string;
  readonly type: string;
  readonly actor: string;
  readonly atMicros: number;
  readonly attempt: number | null;
  readonly leaseExpiresAtMicros: number | null;
}

/** A case as the record has it at the end. */
export interface LedgerCase {
  readonly caseId: string;
  /** What the registering client wrote into the applicant's details: its idempotency key. */
  readonly reference: string | null;
  readonly registrant: string;
  readonly verdict: Verdict | null;
  readonly decidedBy: string | null;
  /** State of the open item; null when there is none. */
  readonly itemState: 'ready' | 'delayed' | 'leased' | null;
  readonly itemAttempt: number | null;
}

/** The record of one namespace, at one moment on each shard. */
export interface Ledger {
  /** The earliest of these moments. */
  readonly readAtMicros: number;
  readonly events: readonly LedgerEvent[];
  readonly cases: readonly LedgerCase[];
}

const eventsText = readFileSync(new URL('./sql/ledger-events.sql', import.meta.url), 'utf8');
const casesText = readFileSync(new URL('./sql/ledger-cases.sql', import.meta.url), 'utf8');
const connectMilliseconds = 5_000;
const readMilliseconds = 120_000;

/**
 * Reads events and cases of a namespace from all databases of the record, of each all of one snapshot. Throws what the
 * connections throw.
 */
export async function readLedger(databaseUrls: readonly string[], namespace: string): Promise<Ledger> {
  const shards = await Promise.all(databaseUrls.map((url) => readShard(url, namespace)));
  return {
    readAtMicros: Math.min(...shards.map(({ readAtMicros }) => readAtMicros)),
    events: shards.flatMap(({ events }) => events),
    cases: shards.flatMap(({ cases }) => cases),
  };
}

async function readShard(databaseUrl: string, namespace: string): Promise<Ledger> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: connectMilliseconds,
    query_timeout: readMilliseconds,
    application_name: 'caseload load',
  });
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    const events = await client.query<LedgerEvent>(eventsText, [namespace]);
    const cases = await client.query<LedgerCase>(casesText, [namespace]);
    const clock = await client.query<{ now: number }>(
      'select extract(epoch from clock_timestamp())::float8 * 1000000 as now',
    );
    await client.query('commit');
    return { readAtMicros: clock.rows[0]!.now, events: events.rows, cases: cases.rows };
  } finally {
    await client.end();
  }
}
