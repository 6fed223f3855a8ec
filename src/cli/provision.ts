import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import type { NatsLink } from '../jetstream/connection.ts';
import { connectNats } from '../jetstream/connection.ts';
import { checkProvision, provision } from '../jetstream/provision.ts';
import type { TopicName } from '../jetstream/subjects.ts';
import { parseTicketSubject } from '../jetstream/subjects.ts';
import { createLogger } from '../log.ts';
import { fail, requireConfig } from './surroundings.ts';

export function addProvision(program: Command): void {
  program
    .command('provision')
    .description('make the streams and consumers in NATS match the files in jetstream/')
    .option('--check', 'only show the difference, and exit 1 if there is any')
    .option(
      '--topic <subject>',
      'make the consumer of this topic too, before it is used: tasks.acme.webhook; may be given several times',
      (text: string, earlier: readonly TopicName[]) => [...earlier, parseTopic(text)],
      [],
    )
    .action(async ({ check, topic: topics }: { check?: boolean; topic: readonly TopicName[] }) => {
      const config = requireConfig();
      const options = { replicas: config.streamReplicas, topics };
      const link = await connect(config);
      try {
        if (check === true) {
          const differences = await checkProvision(link, options);
          for (const line of differences) process.stdout.write(`${line}\n`);
          if (differences.length > 0) process.exitCode = 1;
          else process.stdout.write('NATS matches jetstream/\n');
          return;
        }
        const { created, updated, unchanged } = await provision(link, options);
        for (const name of created) process.stdout.write(`created ${name}\n`);
        for (const name of updated) process.stdout.write(`updated ${name}\n`);
        process.stdout.write(`${unchanged.length} unchanged\n`);
      } finally {
        await link.close();
      }
    });
}

function parseTopic(text: string): TopicName {
  const topic = parseTicketSubject(text);
  if (topic === undefined) throw new InvalidArgumentError('It has three names: tasks.acme.webhook');
  return topic;
}

async function connect(config: Config): Promise<NatsLink> {
  const link = await connectNats({
    url: config.natsUrl,
    credentialsFile: config.natsCredentialsFile,
    name: 'caseload provision',
    log: createLogger('provision', 'fatal'),
  });
  if (link.connected) return link;
  await link.close();
  fail(`NATS cannot be reached at ${config.natsUrl.replace(/\/\/[^@/]*@/, '//')}`);
}
