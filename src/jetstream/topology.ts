import { readdirSync, readFileSync } from 'node:fs';
import { systems } from '../domain/topic.ts';
import type { TopicName } from './subjects.ts';
import { consumerName, eventsStream, parseTicketSubject, streamOf } from './subjects.ts';

/** A configuration in the form of the NATS API: snake_case, durations in nanoseconds. */
export type ApiConfig = Readonly<Record<string, unknown>>;

export interface StreamFile {
  readonly name: string;
  readonly config: ApiConfig;
}

export interface ConsumerFile {
  readonly stream: string;
  readonly name: string;
  readonly config: ApiConfig;
}

/** What the files in `jetstream/` say. */
export interface Topology {
  readonly streams: readonly StreamFile[];
  /** One for each system: the consumer of the seeded namespace's topic, and the pattern for those of all other topics. */
  readonly consumers: readonly ConsumerFile[];
}

/** The files have faults; the message lists all of them, one a line. */
export class TopologyError extends Error {
  override readonly name = 'TopologyError';
}

/** The program runs from its sources, so the folder always lies here. */
const ownFolder = new URL('../../jetstream/', import.meta.url);

/**
 * Reads `jetstream/*.json` and `jetstream/consumers/*.json` and checks what the program relies on.
 * @throws TopologyError naming every fault at once
 */
export function readTopology(folder: URL = ownFolder): Topology {
  const faults: string[] = [];
  const streams = readFolder(folder, faults).map(({ name, config }): StreamFile => {
    checkStream(name, config, faults);
    return { name, config };
  });
  const consumers = readFolder(new URL('consumers/', folder), faults).map(({ name: stream, config }): ConsumerFile => {
    checkConsumer(stream, config, faults);
    return { stream, name: String(config.durable_name), config };
  });
  for (const name of [...systems.map(streamOf), eventsStream]) {
    if (!streams.some((stream) => stream.name === name)) faults.push(`${name}.json is missing`);
  }
  for (const stream of systems.map(streamOf)) {
    if (!consumers.some((consumer) => consumer.stream === stream)) faults.push(`consumers/${stream}.json is missing`);
  }
  if (faults.length > 0)
    throw new TopologyError(`The folder jetstream/ has faults:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return { streams, consumers };
}

/** The configuration of a topic's consumer: the file of its stream with the topic's own name and subject. */
export function topicConsumerConfig(topology: Topology, topic: TopicName, subject: string): ApiConfig {
  const pattern = topology.consumers.find((consumer) => consumer.stream === streamOf(topic.system));
  if (pattern === undefined) throw new TopologyError(`consumers/${streamOf(topic.system)}.json is missing`);
  return { ...pattern.config, durable_name: consumerName(topic), filter_subject: subject };
}

interface JsonFile {
  readonly name: string;
  readonly config: ApiConfig;
}

function readFolder(folder: URL, faults: string[]): readonly JsonFile[] {
  const files: JsonFile[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue;
    try {
      const config: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
      if (typeof config !== 'object' || config === null || Array.isArray(config)) throw new Error('is not an object');
      files.push({ name: file.slice(0, -'.json'.length), config: config as ApiConfig });
    } catch (error) {
      faults.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return files;
}

function checkStream(name: string, config: ApiConfig, faults: string[]): void {
  const expect = (field: string, wanted: unknown): void => expectField(`${name}.json`, config, field, wanted, faults);
  expect('name', name);
  expect('subjects', [`${name.toLowerCase()}.>`]);
  expect('storage', 'file');
  expect('retention', name === eventsStream ? 'limits' : 'workqueue');
}

function checkConsumer(stream: string, config: ApiConfig, faults: string[]): void {
  const file = `consumers/${stream}.json`;
  const expect = (field: string, wanted: unknown): void => expectField(file, config, field, wanted, faults);
  const topic = parseTicketSubject(String(config.filter_subject));
  if (topic === undefined || streamOf(topic.system) !== stream)
    faults.push(`${file}: filter_subject must be ${stream.toLowerCase()}.<namespace>.<topic>`);
  else expect('durable_name', consumerName(topic));
  // Attempts are counted in the row: a limit here would leave a ticket in the stream that nobody gets any more.
  expect('max_deliver', -1);
  expect('ack_policy', 'explicit');
  expect('deliver_policy', 'all');
}

function expectField(file: string, config: ApiConfig, field: string, wanted: unknown, faults: string[]): void {
  if (JSON.stringify(config[field]) !== JSON.stringify(wanted))
    faults.push(`${file}: ${field} must be ${JSON.stringify(wanted)}`);
}
