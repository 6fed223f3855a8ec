import { provisionStreams } from '../../src/cli/up/provision-streams.ts';
import type { Config } from '../../src/config.ts';
import { readConfig } from '../../src/config.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { createLogger } from '../../src/log.ts';
import { createMigratedDatabase, startTestNats, uniqueDirectory } from '../support/servers.ts';

/** A database and a nats-server of a test's own, migrated and provisioned, with no program running on them yet. */
export interface PreparedSystem {
  readonly environment: Readonly<Record<string, string>>;
  readonly config: Config;
  stop(): Promise<void>;
}

export const quietLog = createLogger('test', process.env.TEST_LOG_LEVEL ?? 'fatal');

export async function prepareSystem(): Promise<PreparedSystem> {
  const database = await createMigratedDatabase();
  const nats = await startTestNats();
  const environment = {
    CASELOAD_HOME: uniqueDirectory('home'),
    DATABASE_URLS: database.url,
    NATS_URL: nats.url,
    AUTH_SECRET: 'a secret that only the tests know about',
    BLOB_URL: `fs:${uniqueDirectory('documents')}`,
    PORT: String(await findFreePort()),
  };
  const config = readConfig(environment);
  await provisionStreams(config);
  return {
    environment,
    config,
    async stop() {
      await nats.stop();
      await database.drop();
    },
  };
}
