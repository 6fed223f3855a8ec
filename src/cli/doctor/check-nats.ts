import type { Config } from '../../config.ts';
import { systems } from '../../domain/topic.ts';
import type { Version } from '../../embedded/nats-version.ts';
import { formatVersion, isAtLeast, natsServerFloor } from '../../embedded/nats-version.ts';
import { callApi, orMissing } from '../../jetstream/api.ts';
import type { NatsLink } from '../../jetstream/connection.ts';
import { connectNats, NatsUnavailable } from '../../jetstream/connection.ts';
import { checkProvision } from '../../jetstream/provision.ts';
import { streamOf } from '../../jetstream/subjects.ts';
import { createLogger } from '../../log.ts';
import { withoutPassword } from '../addresses.ts';
import type { Check } from './check.ts';
import { ok, reasonOf, unknown, warning, wrong } from './check.ts';

/** Before it, servers had faults that lose or repeat deliveries after a restart. */
const natsVersionWanted: Version = [2, 12, 5];
/** From this share of `max_ack_pending` on there is an alarm: at the limit NATS hands out nothing more, without a word. */
const alarmShare = 0.8;
const consumersMax = 100_000;

/** Looks at NATS: there, new enough, JetStream on and with room, streams as their files say, consumers not stalled. */
export async function checkNats(config: Config): Promise<readonly Check[]> {
  const link = await connectNats({
    url: config.natsUrl,
    credentialsFile: config.natsCredentialsFile,
    name: 'caseload doctor',
    log: createLogger('doctor', 'fatal'),
  });
  try {
    if (!link.connected) {
      const found = `${withoutPassword(config.natsUrl)} cannot be reached; claims go on without it, slower`;
      return [wrong('NATS', found, 'npm start brings one; else check NATS_URL'), unknown('JetStream', 'not looked at')];
    }
    const jetStream = await checkJetStream(link);
    const rest = jetStream.state === 'wrong' ? [] : [await checkStreams(link, config), await checkConsumers(link)];
    return [checkVersion(link.serverVersion ?? '', withoutPassword(config.natsUrl)), jetStream, ...rest];
  } finally {
    await link.close();
  }
}

export function checkVersion(text: string, url: string): Check {
  const found = `${text}, ${url}`;
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (match === null) return warning('NATS', `unknown version '${text}', ${url}`, 'use a released nats-server');
  const version: Version = [Number(match[1]), Number(match[2]), Number(match[3])];
  const remedy = `use nats-server ${formatVersion(natsVersionWanted)} or newer`;
  if (!isAtLeast(version, natsServerFloor)) return wrong('NATS', `${found}: too old`, remedy);
  return isAtLeast(version, natsVersionWanted) ? ok('NATS', found) : warning('NATS', found, remedy);
}

interface AccountInfo {
  readonly storage: number;
  readonly limits: { readonly max_storage: number };
}

async function checkJetStream(link: NatsLink): Promise<Check> {
  try {
    const { storage, limits } = await callApi<AccountInfo>(link, 'INFO');
    const used = `${megabytes(storage)} stored`;
    if (limits.max_storage <= 0) return ok('JetStream', used);
    const found = `${used} of ${megabytes(limits.max_storage)}`;
    return storage < limits.max_storage * alarmShare
      ? ok('JetStream', found)
      : warning(
          'JetStream',
          found,
          "raise the account's max_file, or look for streams that are not Caseload's: nats stream ls",
        );
  } catch (error) {
    const reason =
      error instanceof NatsUnavailable ? 'is not enabled, or this account may not use it' : reasonOf(error);
    return wrong('JetStream', reason, 'start nats-server with -js, or put jetstream {} into its configuration');
  }
}

async function checkStreams(link: NatsLink, config: Config): Promise<Check> {
  try {
    const differences = await checkProvision(link, { replicas: config.streamReplicas });
    return differences.length === 0
      ? ok('streams', 'match the files in jetstream/')
      : wrong('streams', differences.join('; '), 'npx caseload provision');
  } catch (error) {
    return wrong('streams', `cannot be read: ${reasonOf(error)}`, 'give the account the rights to $JS.API.>');
  }
}

interface ConsumerPage {
  readonly total: number;
  readonly consumers:
    | readonly {
        readonly stream_name: string;
        readonly name: string;
        readonly num_ack_pending: number;
        readonly config: { readonly max_ack_pending?: number };
      }[]
    | null;
}

async function checkConsumers(link: NatsLink): Promise<Check> {
  const full: string[] = [];
  let count = 0;
  let outstanding = 0;
  for (const stream of systems.map(streamOf)) {
    for (let offset = 0; offset < consumersMax; ) {
      const page = await orMissing(callApi<ConsumerPage>(link, `CONSUMER.LIST.${stream}`, { offset }));
      const consumers = page?.consumers ?? [];
      for (const { name, num_ack_pending: pending, config } of consumers) {
        count += 1;
        outstanding += pending;
        const max = config.max_ack_pending ?? 0;
        if (max > 0 && pending >= max * alarmShare) full.push(`${stream}/${name}: ${pending} of ${max}`);
      }
      offset += consumers.length;
      if (page === undefined || consumers.length === 0 || offset >= page.total) break;
    }
  }
  if (full.length === 0)
    return ok('consumers', `${count}, with ${outstanding} tickets handed out, far below their limits`);
  return wrong(
    'consumers',
    `near the limit at which NATS hands out nothing more: ${full.join('; ')}`,
    'raise max_ack_pending in jetstream/consumers/, then npx caseload provision',
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
