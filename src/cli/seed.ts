import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Foundation } from '../compose.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { withoutPassword } from './addresses.ts';
import { fail, requireConfig } from './surroundings.ts';

export function addSeed(program: Command): void {
  program
    .command('seed')
    .description('register the example cases of data/ in the namespace acme, those that are missing')
    .action(async () => {
      const config = requireConfig();
      const [{ compose }, { createLogger }, { registerExamples }] = await Promise.all([
        import('../compose.ts'),
        import('../log.ts'),
        import('./seed/register-examples.ts'),
      ]);
      const foundation = await compose(config, createLogger('seed', 'fatal'), 'seed');
      try {
        await requireTables(foundation);
        const { registered, documents, kept } = await registerExamples(foundation);
        await ticketsAreOut(foundation);
        process.stdout.write(
          registered === 0
            ? `all ${kept} example cases are there\n`
            : `registered ${registered} cases with ${documents} documents; ${kept} were there already\n`,
        );
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        fail(`The example cases could not be registered: ${error.message}. npx caseload doctor says what is wrong`);
      } finally {
        await foundation.close();
      }
    });
}

async function requireTables({ shard, config }: Foundation): Promise<void> {
  if (!(await shard.ping())) fail(`PostgreSQL cannot be reached at ${withoutPassword(config.databaseUrls[0]!)}`);
  if ((await shard.pendingMigrations()).length > 0) fail('The database is not up to date: npx caseload migrate');
}

/** Tickets are issued behind the answers. What is not out in time, the scheduler's reconciler issues. */
async function ticketsAreOut({ tickets }: Foundation): Promise<void> {
  const deadline = performance.now() + limits.natsRequestMilliseconds;
  while (tickets.inFlight > 0 && performance.now() < deadline) await delay(10);
}
