import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { loopback } from '../../src/embedded/ports.ts';
import { provision } from '../../src/jetstream/provision.ts';
import type { TopicName } from '../../src/jetstream/subjects.ts';
import { consumerName, parseTicketSubject, streamOf } from '../../src/jetstream/subjects.ts';
import { alice, application, bob, never, testSecret } from '../support/engine.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';
import { startNatsCluster } from '../support/nats-cluster.ts';
import type { TestDatabase } from '../support/servers.ts';
import { createMigratedDatabase, uniqueDirectory } from '../support/servers.ts';
import { log } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerOf } from '../tasks/handler-of.ts';
import { createJob, startWorker } from '../tasks/task-engine.ts';
import type { Names, ScaledObject } from './keda-scaler.ts';
import { countReplicas, readLag, readLeader } from './keda-scaler.ts';
import { ofKind, readAllFiles, readData } from './manifests.ts';

/** The autoscaler's sums, done on three real servers with the files that a cluster would get. */

const scaled = readData<ScaledObject>('k8s/components/keda/worker.yaml');
const { triggers } = scaled.spec;

let cluster: NatsCluster;
let databases: readonly TestDatabase[];
let foundation: Foundation;

beforeAll(async () => {
  [cluster, ...databases] = await Promise.all([startNatsCluster(), createMigratedDatabase(), createMigratedDatabase()]);
  const urls = databases.map(({ url }) => url);
  const blobs = uniqueDirectory('blobs');
  mkdirSync(blobs, { recursive: true });
  const environment = { DATABASE_URLS: urls.join(','), NATS_URL: cluster.url, AUTH_SECRET: testSecret };
  const config = readConfig({ ...environment, BLOB_URL: `fs:${blobs}`, STREAM_REPLICAS: '3', PORT: '0' });
  foundation = await compose(config, log, 'test');
  await provision(foundation.link, { replicas: 3, topics: listProvisionedTopics() });
});
afterAll(async () => {
  await foundation.close();
  await cluster.stop();
  for (const database of databases) await database.drop();
});

/** What the job makes consumers of before they are used. */
function listProvisionedTopics(): readonly TopicName[] {
  const job = ofKind(readAllFiles(), 'Job').find(({ metadata }) => metadata.name.startsWith('provision'))!;
  const prefix = '--topic=';
  return (job.spec.template.spec.containers[0].args as readonly string[])
    .filter((argument) => argument.startsWith(prefix))
    .map((argument) => parseTicketSubject(argument.slice(prefix.length))!);
}

/** The names of the cluster, of which some servers may be away. @param first the server that the service leads to */
function namesOf(first: number): Names {
  return {
    resolve: (name) => {
      const server = name === undefined ? cluster.servers[first] : cluster.servers.find((one) => one.name === name);
      return `http://${loopback}:${server!.monitorPort}`;
    },
    hostOf: (route) => {
      const port = Number(route.split(':').at(-1));
      return `${cluster.servers.find(({ clusterPort }) => clusterPort === port)!.name}.nats-headless`;
    },
  };
}

function sumOf(lags: ReadonlyMap<string, number>): number {
  return [...lags.values()].reduce((sum, lag) => sum + lag);
}

function indexOf(name: string): number {
  return cluster.servers.findIndex((server) => server.name === name);
}

async function readLags(first = 0): Promise<ReadonlyMap<string, number>> {
  const lags = triggers.map(async (trigger) => [trigger.name, await readLag(trigger, namesOf(first))] as const);
  return new Map(await Promise.all(lags));
}

it('nats-server takes both configurations', () => {
  for (const component of ['nats', 'small']) {
    const file = fileURLToPath(new URL(`../../k8s/components/${component}/nats.conf`, import.meta.url));
    const tried = spawnSync(inject('natsServer'), ['--config', file, '-t'], { env: { POD_NAME: 'nats-0' } });
    expect(tried.stderr.toString()).toContain('configuration file');
    expect(tried.status, tried.stderr.toString()).toBe(0);
  }
});

it('each kind that workers run has a trigger, a consumer that is made before, and a place in the sum', () => {
  const topics = listProvisionedTopics();
  const wanted = foundation.taskHandlers.flatMap(({ kind }) => databases.map((_, shard) => `${kind} ${shard}`));
  expect(
    topics.map(({ topic, shard = 0 }) => `${topic} ${shard}`).sort(),
    'the kinds of tasks have changed: run node test/k8s/write-triggers.ts, and keep what it writes into k8s/',
  ).toEqual(wanted.sort());
  expect(triggers.map(({ metadata }) => `${metadata.stream}/${metadata.consumer}`).sort()).toEqual(
    topics.map((topic) => `${streamOf(topic.system)}/${consumerName(topic)}`).sort(),
  );
  for (const { name, metadata } of triggers) {
    // A formula takes names without dashes.
    expect(name).toBe(metadata.consumer.replaceAll('-', '_'));
    expect(metadata.account).toBe('$G');
    expect(metadata.natsServerMonitoringEndpoint).toBe('nats-headless.caseload.svc.cluster.local:8222');
  }
  const headless = ofKind(readAllFiles(), 'Service').find(({ metadata }) => metadata.name === 'nats-headless');
  expect(headless?.spec.ports).toContainEqual(expect.objectContaining({ name: 'monitor', port: 8222 }));
  const { formula } = scaled.spec.advanced.scalingModifiers;
  expect(formula.split(/\s*\+\s*/)).toEqual(triggers.map(({ name }) => name));
  expect(scaled.spec.fallback).toMatchObject({ behavior: 'currentReplicasIfHigher' });
  expect(scaled.spec.fallback.replicas).toBeGreaterThan(0);
});

it('waiting and running tasks of every kind count, cases that people hold do not, and an outage is no empty queue', async () => {
  expect(await readLags()).toEqual(new Map(triggers.map(({ name }) => [name, 0])));
  expect(countReplicas(scaled, await readLags())).toBe(0);

  const webhooks = Array.from({ length: 50 }, (_, n) => ({
    kind: 'webhook',
    payload: { url: 'https://example.com/hook', body: { n } },
  }));
  // A job's tasks lie on one shard, and jobs go to the shards in turn.
  await createJob(foundation, webhooks.slice(0, 20));
  await createJob(foundation, webhooks.slice(20));
  const registered = await foundation.services.register(alice, application);
  expect(registered.kind).toBe('registered');
  const claim = { namespace: 'acme', topics: ['cases'], waitMs: 5_000, leaseSeconds: 60 };
  expect((await foundation.services.claimNextCase(bob, claim, never)).kind).toBe('claimed');
  await waitUntil('all tickets are there', async () => sumOf(await readLags()) === 50);
  const waiting = await readLags();
  // On both shards.
  for (const name of ['acme_webhook', 'acme_webhook_1']) expect(waiting.get(name)).toBeGreaterThan(0);
  expect(countReplicas(scaled, waiting)).toBe(3);

  // Whichever server the service leads to, the leader is asked.
  for (const first of [1, 2]) expect(await readLags(first)).toEqual(waiting);

  const gate = Promise.withResolvers<void>();
  let running = 0;
  let done = 0;
  const stopWorker = await startWorker(foundation, [
    handlerOf(
      'webhook',
      async () => {
        running += 1;
        await gate.promise;
        done += 1;
        return undefined;
      },
      { concurrency: 10 },
    ),
  ]);
  await waitUntil('ten tasks run', () => running === 10);
  expect(await readLags()).toEqual(waiting);
  gate.resolve();
  await waitUntil('all are done', () => done === 50);
  await waitUntil('nothing is left', async () => countReplicas(scaled, await readLags()) === 0);
  await stopWorker();

  await createJob(foundation, webhooks.slice(0, 21));
  await waitUntil('the new tickets are there', async () => sumOf(await readLags()) === 21);
  // The leader goes: the service leads to a server that is there, and the others choose a new one.
  const webhook = triggers.find(({ name }) => name === 'acme_webhook')!;
  const first = indexOf(await readLeader(webhook, namesOf(0)));
  await cluster.servers[first]!.stop();
  const others = [0, 1, 2].filter((index) => index !== first);
  await waitUntil(
    'the others know it',
    async () => {
      const lags = await readLags(others[0]).catch(() => undefined);
      return lags !== undefined && countReplicas(scaled, lags) === 2;
    },
    30_000,
  );
  // That one dies too: what nobody knows must not look like an empty queue. (One that is stopped in order may hand its
  // lead to the last server, which says what it likes until it notices that it is alone, after ten seconds at most.)
  expect(scaled.spec.cooldownPeriod).toBeGreaterThan(60);
  const second = indexOf(await readLeader(webhook, namesOf(others[0]!)));
  await cluster.servers[second]!.kill();
  const last = others.find((index) => index !== second)!;
  await expect(readLag(webhook, namesOf(last))).rejects.toThrow();
  await expect(readLags(last)).rejects.toThrow();
}, 60_000);
