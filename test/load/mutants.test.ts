import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ReceivedTicket } from '../../src/jetstream/ticket.ts';
import { Tickets } from '../../src/jetstream/tickets.ts';
import type { Findings, ViolationKind } from '../../src/load/findings.ts';
import type { HistoryRecorder } from '../../src/load/history-recorder.ts';
import type { LoadPlan } from '../../src/load/run-load.ts';
import { runLoad } from '../../src/load/run-load.ts';
import { loadStatement } from '../../src/postgres/sql.ts';
import { ProgressGate, planLoad } from '../support/load-plan.ts';
import { Players } from '../support/players.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';
import { define, interfere, mustChange, readFunction, rewriteFunction, rewriteStatement } from './mutate.ts';

/**
 * The checker must see bugs. Each is planted into the real engine, which then works a small load; the same load without
 * the bug must be clean.
 */

const seed = 20_261_120;
let system: TestSystem;
let gateways: readonly RunningProgram[];
let scheduler: RunningProgram;
let counter = 0;
const undo: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  system = await TestSystem.start();
  gateways = await Promise.all([system.runGateway(), system.runGateway()]);
  scheduler = await system.runScheduler();
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await system.close();
});

type Alongside = (
  recorder: HistoryRecorder,
  signal: AbortSignal,
  gate: ProgressGate,
  namespace: string,
) => Promise<void>;

async function work(plan: Partial<LoadPlan>, alongside?: Alongside): Promise<Findings> {
  const namespace = `mutant-${++counter}`;
  const gate = new ProgressGate();
  const full = planLoad({
    namespace,
    seed,
    cases: 60,
    stallMs: 3_000,
    stuckRule: { freeMsMax: 5_000, recoveryMs: 0 },
    ...plan,
  });
  const result = await runLoad(full, system.target(...gateways), {
    onProgress: gate.onProgress,
    ...(alongside === undefined
      ? {}
      : { alongside: (recorder, signal) => alongside(recorder, signal, gate, namespace) }),
  });
  return result.findings;
}

function expectKinds(findings: Findings, ...kinds: ViolationKind[]): void {
  expect(findings.kinds).toEqual(expect.arrayContaining(kinds));
}

/** People who sit on their cases until the lease is over, and decide then. */
const dawdlers: Partial<LoadPlan> = {
  cases: 24,
  auditors: 12,
  leaseSeconds: 1,
  habits: { extends: 0, releases: 0, dawdles: 0.3, doubles: 0 },
};
const doublers: Partial<LoadPlan> = { habits: { extends: 0, releases: 0, dawdles: 0, doubles: 1 } };

describe('without a bug, these loads are clean:', () => {
  test('people who dawdle', async () => {
    expect((await work(dawdlers)).violations).toEqual([]);
  });
  test('requests that are sent twice', async () => {
    expect((await work(doublers)).violations).toEqual([]);
  });
  test('a registration whose transaction takes its time', async () => {
    expect((await work({}, holdOneRegistration)).violations).toEqual([]);
  });
  test('tickets that are issued twice', async () => {
    expect((await work(dawdlers, issueTicketsAgain)).violations).toEqual([]);
  });
});

describe('the checker catches', () => {
  test('a decision without a look at the token', async () => {
    undo.push(
      rewriteStatement('decide-cases', (text) =>
        text.replace(
          /l\.state = 'leased' and l\.lease_token = e\.token[^)]*l\.lease_expires_at > clock_timestamp\(\)/,
          'true',
        ),
      ),
    );
    expectKinds(await work(dawdlers), 'acted without a live lease');
  });

  test('an extension without a look at the token', async () => {
    undo.push(
      rewriteStatement('extend-leases', (text) =>
        text
          .replace(/l\.lease_token = e\.token and l\.lease_holder = e\.holder and /, '')
          .replace(/and l\.lease_expires_at > clock_timestamp\(\)/, ''),
      ),
    );
    const players = new Players(system.target(...gateways), `mutant-${++counter}`);
    await (await players.join('applicant', 'applicant')).register();
    const [old, next] = await Promise.all(['old', 'next'].map((name) => players.join(name, 'auditor')));
    const first = await old!.claim(1, 5_000);
    const second = await next!.claim(60, 5_000);
    expect((await old!.extend(first!, 600)).type).toBe('LeaseExtended');
    await next!.decide(second!);
    // In the ledger it is the present holder who extended; the one who was told so never had that lease.
    expectKinds(await players.judge(), 'answer contradicts the record');
    players.close();
  });

  test.each(['register-cases', 'decide-cases'])('an answer before the commit of %s', async (name) => {
    let calls = 0;
    undo.push(
      interfere(async (shard, statement, values, proceed) => {
        calls += 1;
        if (statement.name !== name || calls % 3 !== 0) return proceed(statement, values);
        // Answered from what the transaction saw; then it fails.
        const client = await (await shard.pool()).connect();
        try {
          await client.query('begin');
          return (await client.query<object>(statement.text, values as unknown[])).rows;
        } finally {
          client.release(true); // thrown away with its open transaction
        }
      }),
    );
    const habits = { extends: 0, releases: 0, dawdles: 0, doubles: 0 };
    expectKinds(
      await work({ cases: 40, habits }),
      name === 'register-cases' ? 'lost' : 'answer contradicts the record',
    );
  });

  test('leases by the clocks of the gateways', async () => {
    const ahead = (text: string): string =>
      text.replaceAll('clock_timestamp()', `(clock_timestamp() + interval '3 s')`);
    const renamed = (text: string): string => text.replaceAll(/\b(claim_items|return_expired_items)\b/g, '$1_ahead');
    for (const name of ['claim_items', 'return_expired_items']) {
      await define(
        system.databaseUrl,
        mustChange(name, readFunction(name), (text) => ahead(renamed(text))),
      );
    }
    const fast = new Set([gateways[1]!.foundation.shard, scheduler.foundation.shard]);
    undo.push(
      interfere((shard, statement, values, proceed) =>
        fast.has(shard)
          ? proceed({ name: `${statement.name}-ahead`, text: ahead(renamed(statement.text)) }, values)
          : proceed(statement, values),
      ),
    );
    expectKinds(await work({ ...dawdlers, cases: 12, leaseSeconds: 2 }), 'time went back');
  });

  test('updates that are relayed by a cursor alone', async () => {
    // Whatever has been committed counts as complete, though an older transaction may still be running.
    const restore = await rewriteFunction(system.databaseUrl, 'event_horizon', (text) =>
      text.replace(/select pg_snapshot_xmin.*$/m, 'select 9000000000000000'),
    );
    undo.push(restore);
    expectKinds(await work({}, holdOneRegistration), 'update missed');
  });

  test('a pick without a lock', async () => {
    undo.push(
      await rewriteFunction(system.databaseUrl, 'claim_items', (text) =>
        text.replaceAll(/\n\s*for update skip locked/g, ''),
      ),
    );
    expectKinds(await work({ cases: 300, auditors: 32 }), 'held by two at once');
  });

  test('a ticket that is trusted without the row', async () => {
    const items = new Map<string, string>();
    const open = Tickets.prototype.openPuller;
    vi.spyOn(Tickets.prototype, 'openPuller').mockImplementation(function (this: Tickets, topic, callbacks) {
      const onTicket = (ticket: ReceivedTicket): void => {
        if (ticket.itemId !== undefined) items.set(ticket.replySubject, ticket.itemId);
        callbacks.onTicket(ticket);
      };
      return open.call(this, topic, { ...callbacks, onTicket });
    });
    undo.push(
      interfere((_shard, statement, values, proceed) => {
        if (statement.name !== 'claim-cases') return proceed(statement, values);
        const [, holders, tokens, seconds, , , tickets, sequences] = values as (readonly unknown[])[];
        const ids = (tickets as (string | null)[]).map((ticket) => items.get(ticket ?? '') ?? null);
        return proceed({ name: 'claim-by-ticket', text: claimByTicket }, [
          ids,
          holders,
          tokens,
          seconds,
          tickets,
          sequences,
        ]);
      }),
    );
    expectKinds(await work({ ...dawdlers, waitMs: 1_000, stallMs: 2_000 }, issueTicketsAgain), 'held by two at once');
  });

  test('registrations without idempotency', async () => {
    undo.push(withoutKeys('register-cases', 9));
    expectKinds(await work(doublers), 'key had two effects');
  });

  test('decisions without idempotency', async () => {
    undo.push(withoutKeys('decide-cases', 6));
    expectKinds(await work(doublers), 'answer contradicts the record');
  });

  test('a sweep that takes leases that are alive', async () => {
    undo.push(
      await rewriteFunction(system.databaseUrl, 'return_expired_items', (text) =>
        text.replace('i.lease_expires_at <= clock_timestamp()', 'i.lease_acquired_at <= clock_timestamp()'),
      ),
    );
    expectKinds(await work({ ...dawdlers, leaseSeconds: 3, cases: 20 }), 'lease ended early');
  });

  test('attempts that are not counted', async () => {
    undo.push(
      await rewriteFunction(system.databaseUrl, 'claim_items', (text) =>
        text.replace('attempt = u.attempt + 1', 'attempt = 1'),
      ),
    );
    expectKinds(await work(dawdlers), 'attempt out of order');
  });

  test('a case that is neither decided nor open any more', async () => {
    undo.push(
      rewriteStatement('decide-cases', (text) =>
        text.replace(/from accepted a\n(\s*)where c\.id = a\.id/, 'from accepted a\n$1where c.id = a.id and a.n > 1'),
      ),
    );
    expectKinds(await work({ cases: 20 }), 'lost');
  });

  test('tickets that get lost, with nobody to see it', async () => {
    await scheduler.stop();
    vi.spyOn(Tickets.prototype, 'issue').mockResolvedValue(undefined);
    const players = new Players(system.target(...gateways), `mutant-${++counter}`);
    const auditor = await players.join('auditor', 'auditor');
    const waiting = auditor.claim(60, 2_000);
    await system.waitForPulls(players.namespace, 1);
    await (await players.join('applicant', 'applicant')).register();
    const held = await waiting;
    expect(held).toBeDefined(); // its last look at the rows finds it
    await auditor.decide(held!);
    expectKinds(await players.judge({ freeMsMax: 1_000, recoveryMs: 0 }), 'stuck');
    players.close();
  });
});

/** A registration that is committed only when others after it have been relayed. */
async function holdOneRegistration(
  _recorder: HistoryRecorder,
  signal: AbortSignal,
  gate: ProgressGate,
  namespace: string,
): Promise<void> {
  await gate.passed(({ registered }) => registered > 0, signal);
  const { shard, topics } = gateways[0]!.foundation;
  const topic = await topics.ensure(namespace, 'cases', 'cases');
  const client = new Client({ connectionString: system.databaseUrl });
  await client.connect();
  await client.query('begin');
  const id = '01a1fb1a-64c8-7000-8000-'.concat(String(counter).padStart(12, '0'));
  await client.query(loadStatement('register-cases').text, [
    [id],
    [topic.id],
    [namespace],
    ['slow'],
    ['Slow'],
    ['slow@slow.example'],
    [null],
    [0],
    [null],
    [null],
    [null],
    [],
    [],
    [],
    [],
    [0],
  ]);
  const { decided } = gate.progress;
  await gate.passed((now) => now.decided >= decided + 20, signal);
  await delay(50);
  await client.query('commit');
  await client.end();
  expect(shard.number).toBe(0);
}

/** A second ticket for each case that is open, as a reconciler that counts wrong would issue them. */
async function issueTicketsAgain(
  _recorder: HistoryRecorder,
  signal: AbortSignal,
  gate: ProgressGate,
  namespace: string,
): Promise<void> {
  const { shard, ledger, topics } = gateways[0]!.foundation;
  for (let seen = 0; !signal.aborted; seen = gate.progress.registered) {
    await gate.passed(({ registered }) => registered > seen, signal);
    const topic = await topics.ensure(namespace, 'cases', 'cases');
    const rows = await shard.run<{ id: string; priority: number }>(
      { name: 'test-open-items', text: 'select id, priority from items where topic_id = $1' },
      [topic.id],
    );
    await ledger.issue(rows.map(({ id, priority }) => ({ topic, itemId: id, priority })));
    await delay(10);
  }
}

/** Runs a statement as if no request had brought an idempotency key. */
function withoutKeys(name: string, place: number): () => void {
  return interfere((_shard, statement, values, proceed) => {
    if (statement.name !== name) return proceed(statement, values);
    const changed = [...values];
    changed[place] = (values[place] as unknown[]).map(() => null);
    return proceed(statement, changed);
  });
}

/** Leases the item that the ticket names, whatever its row says. */
const claimByTicket = `
with wanted as materialized (
  select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::text[], $6::bigint[])
    with ordinality as w (id, holder, token, seconds, ticket, sequence, n)
), leased as (
  update items i set state = 'leased', attempt = i.attempt + 1, lease_token = w.token, lease_holder = w.holder,
         lease_acquired_at = clock_timestamp(),
         lease_expires_at = clock_timestamp() + make_interval(secs => coalesce(w.seconds, 60)),
         ticket = w.ticket, ticket_sequence = w.sequence
    from wanted w where i.id = w.id
  returning i.*, w.n
), recorded as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
  select (select event_position()), namespace, topic_id, id, 'CLAIMED', lease_holder, lease_acquired_at, attempt, lease_expires_at
    from leased
)
select w.n::integer as claimer, case when l.id is null then 'none' else 'claimed' end as outcome, l.id as item_id,
       l.priority as item_priority, l.deliver_after as item_deliver_after, l.attempt as item_attempt,
       l.lease_acquired_at as acquired_at, l.lease_expires_at as expires_at, '-infinity'::timestamptz as held_floor, c.*
  from wanted w left join leased l on l.n = w.n left join cases c on c.id = l.id`;
