import type { Command } from 'commander';
import type { Config } from '../config.ts';
import { Fault } from '../domain/errors.ts';
import { withoutPassword } from './addresses.ts';
import type { InspectedCase } from './inspect/read-case.ts';
import type { InspectedTickets } from './inspect/read-ticket.ts';
import { fail, requireConfig } from './surroundings.ts';

export function addInspect(program: Command): void {
  const inspect = program.command('inspect').description('show all that is known of one thing');
  inspect
    .command('case')
    .description('show a case: row, lease, ticket, documents, events; read from the database and NATS themselves')
    .argument('<id>', 'its id')
    .option('--json', 'for programs')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const { inspected, tickets } = await readEverything(requireConfig(), id);
      if (json === true) {
        process.stdout.write(`${JSON.stringify({ ...inspected, tickets: tickets ?? null }, null, 2)}\n`);
        return;
      }
      const { describeCase } = await import('./inspect/describe-case.ts');
      process.stdout.write(`${describeCase(inspected, tickets)}\n`);
    });
}

interface Everything {
  readonly inspected: InspectedCase;
  /** Undefined where NATS cannot be asked. */
  readonly tickets: InspectedTickets | undefined;
}

async function readEverything(config: Config, text: string): Promise<Everything> {
  const [{ parseId, shardOf }, { Shard }, { createLogger }, { readInspectedCase }] = await Promise.all([
    import('../domain/ids.ts'),
    import('../postgres/shard.ts'),
    import('../log.ts'),
    import('./inspect/read-case.ts'),
  ]);
  const id = refuseFaults(() => parseId('id', text));
  const number = shardOf(id);
  const url = config.databaseUrls[number];
  if (url === undefined)
    fail(`${id} names shard ${number}, but DATABASE_URLS has ${config.databaseUrls.length} (numbered from 0)`);
  const shard = await Shard.open({ number, url, connections: 2, log: createLogger('inspect', 'fatal') });
  try {
    const inspected = await readInspectedCase(shard, id).catch((error: unknown) => {
      if (error instanceof Fault)
        fail(`${error.message} (${withoutPassword(url)}). npx caseload doctor says what is wrong`);
      throw error;
    });
    if (inspected === undefined) fail(`There is no case ${id}`);
    return { inspected, tickets: await readTickets(config, inspected) };
  } finally {
    await shard.close();
  }
}

async function readTickets(config: Config, inspected: InspectedCase): Promise<InspectedTickets | undefined> {
  if (inspected.topic === undefined) return undefined;
  const [{ connectNats }, { Tickets }, { createLogger }, { readInspectedTickets }] = await Promise.all([
    import('../jetstream/connection.ts'),
    import('../jetstream/tickets.ts'),
    import('../log.ts'),
    import('./inspect/read-ticket.ts'),
  ]);
  const log = createLogger('inspect', 'fatal');
  const { natsUrl, natsCredentialsFile } = config;
  const link = await connectNats({ url: natsUrl, credentialsFile: natsCredentialsFile, name: 'caseload inspect', log });
  try {
    return await readInspectedTickets(link, new Tickets(link, log), inspected.topic, inspected.item?.ticket ?? null);
  } finally {
    await link.close();
  }
}

function refuseFaults<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault) fail(error.message);
    throw error;
  }
}
