import type { Config } from '../../config.ts';
import type { Check } from './check.ts';
import { checkBlobs } from './check-blobs.ts';
import { checkGateway } from './check-gateway.ts';
import { checkMail } from './check-mail.ts';
import { checkNats } from './check-nats.ts';
import { checkPostgres } from './check-postgres.ts';

/** Looks at everything that the programs stand on, at once. */
export async function examine(config: Config): Promise<readonly Check[]> {
  const groups = await Promise.all([
    ...config.databaseUrls.map((url, number) => checkPostgres(number, url)),
    checkNats(config),
    checkBlobs(config),
    checkMail(config),
    checkGateway(config),
  ]);
  return groups.flat();
}
