import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor, Role } from '../../src/domain/actor.ts';
import { provision } from '../../src/jetstream/provision.ts';
import { cpuPerOperation, readMachine } from '../cpu.ts';
import type { Stage } from '../stage.ts';
import { openStage } from '../stage.ts';

/**
 * What an operation costs in processor time, over one, two and four shards on one PostgreSQL: the figures on which the
 * model of docs/scale.md stands. The verbs are called in this process, without HTTP and without a scheduler.
 * `node bench/scale/measure.ts [seconds]`
 */

const seconds = Number(process.argv[2] ?? 3);
const callers = 64;
const batch = 100;
const never = new AbortController().signal;

type Step = (caller: number) => Promise<number>;

function actor(subject: string, role: Role): Actor {
  return { subject, namespace: 'acme', roles: new Set([role]), expiresAtSeconds: undefined };
}

async function open(stage: Stage, shards: number): Promise<{ foundation: Foundation; natsPid: number }> {
  const urls = await Promise.all(
    Array.from({ length: shards }, (_, n) => stage.createDatabase(`scale_${shards}_${n}`, true)),
  );
  const nats = await stage.startNats(`scale-${shards}`);
  const blobs = join(stage.directory, `blobs-${shards}`);
  mkdirSync(blobs, { recursive: true });
  const config = readConfig({
    DATABASE_URLS: urls.join(','),
    NATS_URL: nats.url,
    AUTH_SECRET: 'a secret of the benchmark with more than 32 characters',
    BLOB_URL: `fs:${blobs}`,
  });
  const foundation = await compose(config, stage.log, 'scheduler');
  await provision(foundation.link);
  const supervisor = actor('olga', 'supervisor');
  await foundation.services.upsertTopic(supervisor, { namespace: 'acme', name: 'items', shards });
  return { foundation, natsPid: nats.pid };
}

function steps({ services }: Foundation): Readonly<Record<string, Step>> {
  const applicant = { name: 'A. O. Smith', email: 'office@example.com' };
  return {
    register: async (caller) => {
      const who = actor(`applicant-${caller}`, 'applicant');
      await services.register(who, { namespace: 'acme', topic: 'cases', applicant, priority: caller % 5 });
      return 1;
    },
    'claim and decide': async (caller) => {
      const who = actor(`auditor-${caller}`, 'auditor');
      const ask = { namespace: 'acme', topics: ['cases'], waitMs: 0 };
      const claimed = await services.claimNextCase(who, ask, never);
      if (claimed.kind !== 'claimed') return 0;
      const { case: record, lease } = claimed.held;
      await services.decide(who, { caseId: record.id, leaseToken: lease!.token, verdict: 'APPROVE' });
      return 1;
    },
    [`enqueue, ${batch} at once`]: async (caller) => {
      const items = Array.from({ length: batch }, (_, n) => ({
        topic: 'items',
        priority: n % 10,
        payload: Buffer.alloc(256),
      }));
      await services.enqueue(actor(`producer-${caller}`, 'producer'), { namespace: 'acme', items });
      return batch;
    },
    [`dequeue and ack, ${batch} at once`]: async (caller) => {
      const who = actor(`consumer-${caller}`, 'consumer');
      const requests = [{ topic: 'items', count: batch }];
      const { items } = await services.dequeue(who, { namespace: 'acme', requests }, never);
      const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
      if (leases.length > 0) await services.ack(who, { namespace: 'acme', leases });
      return items.length;
    },
  };
}

async function run(step: Step, concurrent: number): Promise<{ operations: number; milliseconds: number }> {
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1_000;
  let operations = 0;
  let idle = 0;
  await Promise.all(
    Array.from({ length: concurrent }, async (_, caller) => {
      while (performance.now() < endAt && idle < 100) {
        const done = await step(caller);
        operations += done;
        if (done === 0) idle += 1;
      }
    }),
  );
  return { operations, milliseconds: performance.now() - startedAt };
}

const stage = await openStage({ shared_buffers: '256MB' });
console.log('| shards | operation | a second | this process µs | PostgreSQL µs | NATS µs |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const shards of [1, 2, 4]) {
  const { foundation, natsPid } = await open(stage, shards);
  const groups = [{ name: 'process', pids: [process.pid] }, stage.postgres, { name: 'NATS', pids: [natsPid] }];
  for (const [name, step] of Object.entries(steps(foundation))) {
    const before = readMachine(groups);
    const { operations, milliseconds } = await run(step, name.includes('at once') ? 8 : callers);
    const cpu = cpuPerOperation(before.groups, readMachine(groups).groups, operations);
    const cost = ['process', stage.postgres.name, 'NATS'].map((group) => (cpu.get(group) ?? 0).toFixed(1));
    console.log(`| ${shards} | ${name} | ${Math.round((operations * 1_000) / milliseconds)} | ${cost.join(' | ')} |`);
  }
  await foundation.close();
}
await stage.close();
