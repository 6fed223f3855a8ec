import { systems } from '../domain/topic.ts';
import { callApi, JetStreamRefusal, orMissing } from './api.ts';
import { compareConfig, describeDifference } from './config-difference.ts';
import type { NatsLink } from './connection.ts';
import type { TopicName } from './subjects.ts';
import { consumerName, parseConsumerName, streamOf, ticketSubject } from './subjects.ts';
import type { ApiConfig, Topology } from './topology.ts';
import { readTopology, topicConsumerConfig } from './topology.ts';

export interface ProvisionOptions {
  /** Copies of each stream, 1 to 5. Without it a new stream gets what its file says and an existing one keeps its number. */
  readonly replicas?: number | undefined;
  readonly topology?: Topology;
  /** Topics that get their consumer now, and not when they are first used: an autoscaler wants to ask for them before. */
  readonly topics?: readonly TopicName[];
}

/** What `provision` did, by names: `CASES`, `CASES/acme_cases`. */
export interface ProvisionReport {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
}

/** The server does not do what the files ask for. The message names the stream or consumer, the fields and the server's version. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
}

/**
 * Makes the server match the files in `jetstream/`: streams, the consumers of the files, and those of all other topics,
 * which follow their file as a pattern. May be run at any time and by several processes at once. What the files do not
 * name stays as it is; nothing is deleted.
 * @throws ProvisionError when the server refuses a configuration or keeps less than it was asked to (an old server
 * drops fields that it does not know, without a word), NatsUnavailable when it cannot be reached
 */
export async function provision(link: NatsLink, options: ProvisionOptions = {}): Promise<ProvisionReport> {
  const created: string[] = [];
  const updated: string[] = [];
  const unchanged: string[] = [];
  for (const part of await listParts(link, options)) {
    const before = await part.read();
    if (before !== undefined && compareConfig(part.wanted, before).length === 0) {
      unchanged.push(part.name);
      continue;
    }
    await write(link, part, before);
    await requireKept(link, part);
    (before === undefined ? created : updated).push(part.name);
  }
  return { created, updated, unchanged };
}

/**
 * Compares the server with the files and changes nothing.
 * @returns the differences, one a line; none when `provision` would change nothing
 * @throws NatsUnavailable when the server cannot be reached
 */
export async function checkProvision(link: NatsLink, options: ProvisionOptions = {}): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const part of await listParts(link, options)) {
    const kept = await part.read();
    if (kept === undefined) lines.push(`${part.name} does not exist`);
    else
      lines.push(
        ...compareConfig(part.wanted, kept).map((difference) => `${part.name}: ${describeDifference(difference)}`),
      );
  }
  return lines;
}

/** A stream or a consumer: how it should be, how to read what is there, and how to write it. */
interface Part {
  readonly name: string;
  readonly wanted: ApiConfig;
  readonly read: () => Promise<ApiConfig | undefined>;
  readonly write: (before: ApiConfig | undefined) => Promise<unknown>;
}

async function listParts(
  link: NatsLink,
  { replicas, topology = readTopology(), topics: asked = [] }: ProvisionOptions,
): Promise<readonly Part[]> {
  const streams = topology.streams.map(({ name, config }) => streamPart(link, name, config, replicas));
  const topics = await Promise.all(systems.map((system) => listTopics(link, system, topology, asked)));
  return [...streams, ...topics.flat().map((topic) => consumerPart(link, topic, topology))];
}

function streamPart(link: NatsLink, name: string, file: ApiConfig, replicas: number | undefined): Part {
  const { num_replicas: replicasOfFile, ...config } = file;
  return {
    name,
    wanted: replicas === undefined ? config : { ...config, num_replicas: replicas },
    read: () => readConfig(link, `STREAM.INFO.${name}`),
    write: (before) =>
      before === undefined
        ? callApi(link, `STREAM.CREATE.${name}`, { ...config, num_replicas: replicas ?? replicasOfFile })
        : callApi(link, `STREAM.UPDATE.${name}`, {
            ...before,
            ...config,
            num_replicas: replicas ?? before.num_replicas,
          }),
  };
}

function consumerPart(link: NatsLink, topic: TopicName, topology: Topology): Part {
  const stream = streamOf(topic.system);
  const subject = ticketSubject(topic);
  const wanted = topicConsumerConfig(topology, topic, subject);
  const name = String(wanted.durable_name);
  return {
    name: `${stream}/${name}`,
    wanted,
    read: () => readConfig(link, `CONSUMER.INFO.${stream}.${name}`),
    write: (before) =>
      callApi(link, `CONSUMER.CREATE.${stream}.${name}.${subject}`, {
        stream_name: stream,
        config: { ...before, ...wanted },
      }),
  };
}

async function readConfig(link: NatsLink, request: string): Promise<ApiConfig | undefined> {
  const info = await orMissing(callApi<{ config: ApiConfig }>(link, request));
  return info?.config;
}

/** The topics of a system that should have a consumer: the file's own, those asked for, and all that have one already. */
async function listTopics(
  link: NatsLink,
  system: TopicName['system'],
  topology: Topology,
  asked: readonly TopicName[],
): Promise<readonly TopicName[]> {
  const names = new Set(topology.consumers.filter(({ stream }) => stream === streamOf(system)).map(({ name }) => name));
  for (const topic of asked) if (topic.system === system) names.add(consumerName(topic));
  for (const name of await listConsumerNames(link, streamOf(system))) names.add(name);
  const topics: TopicName[] = [];
  for (const name of names) {
    const topic = parseConsumerName(name);
    if (topic !== undefined) topics.push({ system, ...topic });
  }
  return topics;
}

interface NamesPage {
  readonly total: number;
  readonly consumers: readonly string[] | null;
}

async function listConsumerNames(link: NatsLink, stream: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (;;) {
    const page = await orMissing(callApi<NamesPage>(link, `CONSUMER.NAMES.${stream}`, { offset: names.length }));
    const found = page?.consumers ?? [];
    names.push(...found);
    if (page === undefined || found.length === 0 || names.length >= page.total) return names;
  }
}

async function write(link: NatsLink, part: Part, before: ApiConfig | undefined): Promise<void> {
  try {
    await part.write(before);
  } catch (error) {
    if (!(error instanceof JetStreamRefusal)) throw error;
    throw new ProvisionError(`${serverName(link)} refused ${part.name}: ${error.description} (${error.code})`, {
      cause: error,
    });
  }
}

async function requireKept(link: NatsLink, part: Part): Promise<void> {
  const kept = (await part.read()) ?? {};
  const lost = compareConfig(part.wanted, kept);
  if (lost.length === 0) return;
  throw new ProvisionError(
    `${serverName(link)} did not keep all of ${part.name}: ${lost.map(describeDifference).join('; ')}. ` +
      'A field that is not set afterwards is one that this version does not know: use a newer nats-server',
  );
}

function serverName(link: NatsLink): string {
  return `nats-server ${link.serverVersion ?? 'of unknown version'}`;
}
