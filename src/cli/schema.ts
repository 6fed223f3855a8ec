import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the GraphQL schema')
    .option('--write', 'write it to schema.graphql instead')
    .action(async ({ write }: { write?: boolean }) => {
      const { printOwnSchema } = await import('../graphql/schema.ts');
      if (write === true) writeFileSync(new URL('../../schema.graphql', import.meta.url), printOwnSchema());
      else process.stdout.write(printOwnSchema());
    });
}
