import type { Config } from '../../config.ts';
import { connectNats } from '../../jetstream/connection.ts';
import { provision } from '../../jetstream/provision.ts';
import { createLogger } from '../../log.ts';
import { withoutPassword } from '../addresses.ts';
import { UpError } from './up-error.ts';

/**
 * Makes the streams match their files.
 * @returns how many streams and consumers were made or changed
 * @throws UpError when NATS cannot be reached, ProvisionError when it refuses
 */
export async function provisionStreams(config: Config): Promise<number> {
  const link = await connectNats({
    url: config.natsUrl,
    credentialsFile: config.natsCredentialsFile,
    name: 'caseload up: provision',
    log: createLogger('provision', 'fatal'),
  });
  try {
    if (!link.connected) throw new UpError(`NATS cannot be reached at ${withoutPassword(config.natsUrl)}`);
    const { created, updated } = await provision(link, { replicas: config.streamReplicas });
    return created.length + updated.length;
  } finally {
    await link.close();
  }
}
