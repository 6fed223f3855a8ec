import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { issueToken } from '../src/auth/tokens.ts';
import type { Role } from '../src/domain/actor.ts';
import { findFreePort } from '../src/embedded/ports.ts';
import type { Child } from './child.ts';
import { startChild } from './child.ts';
import type { CpuGroup } from './cpu.ts';
import { namespace } from './operations.ts';
import type { Stage } from './stage.ts';
import { Workbench } from './workbench.ts';

/** A server that answers the three mutations over HTTP: the product, or one of its floors. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly workbench: Workbench;
  /** Whose processor time counts as the server's. */
  readonly cpu: readonly CpuGroup[];
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** Where the product connects to, when not straight to its servers. */
export interface Detours {
  readonly gatewayDatabaseUrl?: string;
  readonly schedulerDatabaseUrl?: string;
}

/** What the product and the drivers sign tokens with. */
export const authSecret = randomBytes(32).toString('hex');

const readyMilliseconds = 30_000;

export const ours = 'Caseload';
export const uncoalesced = 'floor, one row a statement';
export const coalesced = 'floor, coalesced';

/** Starts the product as in production: a gateway and a scheduler, each a process of its own. */
export async function startOurs(
  stage: Stage,
  workbench: Workbench,
  options: { readonly detours?: Detours; readonly gatewayNodeArgs?: readonly string[] } = {},
): Promise<Contender> {
  const port = await findFreePort();
  const environment = {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    DATABASE_URLS: workbench.databaseUrl,
    NATS_URL: workbench.natsUrl,
    AUTH_SECRET: authSecret,
    URL_SECRET: authSecret,
    BLOB_URL: `fs:${join(stage.directory, 'blobs')}`,
  };
  const { gatewayDatabaseUrl, schedulerDatabaseUrl } = options.detours ?? {};
  const gateway = await startChild({
    module: 'src/gateway.ts',
    name: 'gateway',
    nodeArgs: options.gatewayNodeArgs,
    environment: {
      ...environment,
      PORT: String(port),
      ...(gatewayDatabaseUrl === undefined ? {} : { DATABASE_URLS: gatewayDatabaseUrl }),
    },
  });
  const scheduler = await startChild({
    module: 'src/scheduler.ts',
    name: 'scheduler',
    environment: {
      ...environment,
      ...(schedulerDatabaseUrl === undefined ? {} : { DATABASE_URLS: schedulerDatabaseUrl }),
    },
  });
  const stop = async (): Promise<void> => {
    await Promise.all([gateway.stop(), scheduler.stop()]);
  };
  await waitUntilReady(port, '/readyz', gateway).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    name: ours,
    port,
    workbench,
    cpu: [
      { name: 'server', pids: [gateway.pid] },
      { name: 'scheduler', pids: [scheduler.pid] },
    ],
    pids: { gateway: gateway.pid, scheduler: scheduler.pid },
    stop,
  };
}

/** Starts a floor: the same SQL and tickets behind bare `node:http`. */
export async function startFloor(
  workbench: Workbench,
  name: typeof uncoalesced | typeof coalesced,
): Promise<Contender> {
  const port = await findFreePort();
  const server = await startChild({
    module: 'bench/floor-server.ts',
    name: name === coalesced ? 'floor-coalesced' : 'floor',
    environment: {
      NODE_ENV: 'production',
      FLOOR_PORT: String(port),
      FLOOR_DATABASE_URL: workbench.databaseUrl,
      FLOOR_NATS_URL: workbench.natsUrl,
      FLOOR_TOPIC_ID: String(workbench.topicId),
      FLOOR_COALESCED: name === coalesced ? 'yes' : 'no',
    },
  });
  await waitUntilReady(port, '/', server).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const cpu = [{ name: 'server', pids: [server.pid] }];
  return { name, port, workbench, cpu, pids: { server: server.pid }, stop: server.stop };
}

/** The product and both floors, each on a workbench of its own. */
export async function startContenders(stage: Stage, gatewayNodeArgs: readonly string[]): Promise<Contender[]> {
  const contenders: Contender[] = [];
  try {
    contenders.push(await startOurs(stage, await Workbench.open(stage, 'ours'), { gatewayNodeArgs }));
    contenders.push(await startFloor(await Workbench.open(stage, 'floor'), uncoalesced));
    contenders.push(await startFloor(await Workbench.open(stage, 'floor_coalesced'), coalesced));
    return contenders;
  } catch (error) {
    await stopAll(contenders);
    throw error;
  }
}

export async function stopAll(contenders: readonly Contender[]): Promise<void> {
  for (const contender of contenders) {
    await contender.stop();
    await contender.workbench.close();
  }
}

/** A token each for so many callers. */
export function issueTokens(count: number, role: Role, nameOf: (caller: number) => string): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, (_, caller) =>
      issueToken({ subject: nameOf(caller), namespace, roles: [role], secret: authSecret, expiresInSeconds: 86_400 }),
    ),
  );
}

async function waitUntilReady(port: number, path: string, child: Child): Promise<void> {
  const deadline = performance.now() + readyMilliseconds;
  while (performance.now() < deadline && child.process.exitCode === null) {
    const ready = await fetch(`http://127.0.0.1:${port}${path}`).then(
      (response) => response.ok,
      () => false, // not listening yet
    );
    if (ready) return;
    await delay(20);
  }
  throw new Error(`A server of the benchmark was not ready within ${readyMilliseconds / 1_000} s`);
}
