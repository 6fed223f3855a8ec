import type { Command } from 'commander';
import { createLogger } from '../log.ts';
import { Shard } from '../postgres/shard.ts';
import { fail, requireConfig } from './surroundings.ts';

/** Brings every shard's tables and functions up to this version; safe to run at any time, by several at once. */
export async function migrateAll(databaseUrls: readonly string[], report: (line: string) => void): Promise<void> {
  for (const [number, url] of databaseUrls.entries()) {
    const shard = await Shard.open({
      number,
      url,
      connections: 2,
      log: createLogger('migrate', 'warn'),
      patient: true,
    });
    try {
      await shard.migrate((name) => report(`shard ${number}: applied ${name}`));
    } finally {
      await shard.close();
    }
  }
}

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database up to this version')
    .option('--check', 'only list what is to be applied, and exit 1 if anything is')
    .action(async ({ check }: { check?: boolean }) => {
      const config = requireConfig();
      if (check !== true) {
        await migrateAll(config.databaseUrls, (line) => process.stdout.write(`${line}\n`));
        process.stdout.write('the database is up to date\n');
        return;
      }
      const pending: string[] = [];
      for (const [number, url] of config.databaseUrls.entries()) {
        const shard = await Shard.open({ number, url, connections: 1, log: createLogger('migrate', 'warn') });
        pending.push(...(await shard.pendingMigrations()).map((name) => `shard ${number}: ${name}`));
        await shard.close();
      }
      if (pending.length > 0) fail(pending.join('\n'));
      process.stdout.write('the database is up to date\n');
    });
}
