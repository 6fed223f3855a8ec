import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { natsStopSteps } from '../../src/embedded/nats-leftover.ts';
import { findFreePort, loopback } from '../../src/embedded/ports.ts';
import type { ServerProcess } from '../../src/embedded/server-process.ts';
import { startServerProcess } from '../../src/embedded/server-process.ts';
import { uniqueDirectory } from './servers.ts';
import { waitUntil } from './wait-until.ts';

/** One server of a cluster, as a pod of its own would run it. */
export interface ClusterServer {
  /** `nats-0`: the pod's name, and so the server's. */
  readonly name: string;
  readonly clientPort: number;
  readonly clusterPort: number;
  readonly monitorPort: number;
  stop(): Promise<void>;
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again with what it has stored; resolves when it takes part again. */
  start(): Promise<void>;
}

export interface NatsCluster {
  readonly servers: readonly ClusterServer[];
  /** All of them, as `NATS_URL` has them. */
  readonly url: string;
  stop(): Promise<void>;
}

const configuration = new URL('../../k8s/components/nats/nats.conf', import.meta.url);
const count = 3;

/**
 * Starts three nats-servers with the configuration of `k8s/`, where only names that a cluster of Kubernetes would
 * resolve, ports and folders are put in. Resolves when JetStream works.
 */
export async function startNatsCluster(): Promise<NatsCluster> {
  const places = await Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      name: `nats-${index}`,
      directory: uniqueDirectory(`nats-${index}`),
      clientPort: await findFreePort(),
      clusterPort: await findFreePort(),
      monitorPort: await findFreePort(),
    })),
  );
  const started: ServerProcess[] = [];
  for (const place of places) {
    mkdirSync(place.directory, { recursive: true });
    let text = readFileSync(configuration, 'utf8')
      .replace('port: 4222', `host: ${loopback}\nport: ${place.clientPort}`)
      .replace('http: 8222', `http: "${loopback}:${place.monitorPort}"`)
      .replace('port: 6222', `host: ${loopback}\n  port: ${place.clusterPort}`)
      .replace('/var/run/nats/', `${place.directory}/`)
      .replace('store_dir: /data', `store_dir: "${place.directory}/data"`);
    for (const { name, clusterPort } of places)
      text = text.replace(`${name}.nats-headless:6222`, `${loopback}:${clusterPort}`);
    writeFileSync(join(place.directory, 'nats.conf'), text);
    started.push(await launch(place.name, place.directory));
  }
  const servers = places.map(({ name, directory, clientPort, clusterPort, monitorPort }, index) => ({
    name,
    clientPort,
    clusterPort,
    monitorPort,
    stop: () => started[index]!.stop(),
    kill: async () => {
      process.kill(started[index]!.pid, 'SIGKILL');
      await started[index]!.exited;
    },
    start: async () => {
      started[index] = await launch(name, directory);
      await waitUntilHealthy(name, monitorPort);
    },
  }));
  for (const { name, monitorPort } of servers) await waitUntilHealthy(name, monitorPort);
  return {
    servers,
    url: servers.map(({ clientPort }) => `nats://${loopback}:${clientPort}`).join(','),
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

function launch(name: string, directory: string): Promise<ServerProcess> {
  return startServerProcess({
    name,
    binary: inject('natsServer'),
    arguments: ['--config', join(directory, 'nats.conf')],
    directory,
    environment: { PATH: process.env.PATH, POD_NAME: name },
    stopSteps: natsStopSteps,
    orphanSignal: 'TERM',
    onLine: () => undefined,
  });
}

/** As the startup probe asks: streams recovered, a leader of the cluster known. */
function waitUntilHealthy(name: string, monitorPort: number): Promise<void> {
  return waitUntil(`${name} is healthy`, () => isHealthy(monitorPort), 30_000);
}

async function isHealthy(port: number): Promise<boolean> {
  return fetch(`http://${loopback}:${port}/healthz`).then(
    (answer) => answer.ok,
    () => false,
  );
}
