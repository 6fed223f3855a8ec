import type { Command } from 'commander';

export function addUp(program: Command): void {
  program
    .command('up')
    .description('start everything for development: PostgreSQL, NATS, gateway, worker and scheduler, with example data')
    .action(async () => {
      const { runUp } = await import('./up/run.ts');
      process.exit(await runUp());
    });
}
