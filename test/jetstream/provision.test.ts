import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi, isRefusal } from '../../src/jetstream/api.ts';
import { checkProvision, ProvisionError, provision } from '../../src/jetstream/provision.ts';
import { isMissing } from '../../src/jetstream/tickets.ts';
import { TopicConsumers } from '../../src/jetstream/topic-consumers.ts';
import type { Topology } from '../../src/jetstream/topology.ts';
import { readTopology } from '../../src/jetstream/topology.ts';
import type { Harness } from './harness.ts';
import { deleteConsumer, makeTickets, newTopic, startHarness } from './harness.ts';

const allParts = ['CASES', 'EVENTS', 'QUEUE', 'TASKS', 'CASES/acme_cases', 'TASKS/acme_webhook', 'QUEUE/acme_jobs'];

describe('provisioning', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  const change = (stream: string, fields: Record<string, unknown>): Topology => {
    const topology = readTopology();
    return {
      ...topology,
      streams: topology.streams.map((file) =>
        file.name === stream ? { ...file, config: { ...file.config, ...fields } } : file,
      ),
    };
  };

  it('makes everything once and changes nothing afterwards', async () => {
    for (const name of ['CASES', 'TASKS', 'QUEUE', 'EVENTS']) await callApi(harness.link, `STREAM.DELETE.${name}`);
    expect(await checkProvision(harness.link)).toEqual(allParts.map((name) => `${name} does not exist`));
    const first = await provision(harness.link);
    expect(first).toEqual({ created: allParts, updated: [], unchanged: [] });
    expect(await checkProvision(harness.link)).toEqual([]);
    expect(await provision(harness.link)).toEqual({ created: [], updated: [], unchanged: allParts });
  });

  it('may be run by several processes at once', async () => {
    await callApi(harness.link, 'STREAM.DELETE.TASKS');
    await Promise.all([provision(harness.link), provision(harness.link), provision(harness.link)]);
    expect(await checkProvision(harness.link)).toEqual([]);
  });

  it('names each difference, and undoes it', async () => {
    const topic = await newTopic(harness, 'queue');
    const name = `acme_${topic.topic}`;
    const stream = await callApi<{ config: object }>(harness.link, 'STREAM.INFO.CASES');
    await callApi(harness.link, 'STREAM.UPDATE.CASES', {
      ...stream.config,
      max_msg_size: 1,
      description: 'mine',
      metadata: { owner: 'me' },
    });
    const consumer = await callApi<{ config: object }>(harness.link, `CONSUMER.INFO.QUEUE.${name}`);
    await callApi(harness.link, `CONSUMER.CREATE.QUEUE.${name}.queue.acme.${topic.topic}`, {
      stream_name: 'QUEUE',
      config: { ...consumer.config, ack_wait: 1_000_000_000 },
    });
    await deleteConsumer(harness.link, { system: 'tasks', namespace: 'acme', topic: 'webhook' });

    expect(await checkProvision(harness.link)).toEqual([
      expect.stringMatching(/^CASES: description is "mine", wanted "Turns on cases/),
      'CASES: max_msg_size is 1, wanted 4096',
      'TASKS/acme_webhook does not exist',
      `QUEUE/${name}: ack_wait is 1000000000, wanted 30000000000`,
    ]);
    const report = await provision(harness.link);
    expect(report.created).toEqual(['TASKS/acme_webhook']);
    expect(report.updated).toEqual(['CASES', `QUEUE/${name}`]);
    expect(await checkProvision(harness.link)).toEqual([]);
    const after = await callApi<{ config: { metadata: object } }>(harness.link, 'STREAM.INFO.CASES');
    expect(after.config.metadata).toMatchObject({ owner: 'me' });
  });

  it('keeps tickets when it changes a stream', async () => {
    const topic = await newTopic(harness);
    await harness.tickets.issue(makeTickets(topic, 3));
    const topology = change('CASES', { max_msg_size: 8192 });
    expect((await provision(harness.link, { topology })).updated).toEqual(['CASES']);
    expect(await harness.tickets.countTickets('cases')).toContainEqual({ ...topic, tickets: 3 });
    await provision(harness.link);
  });

  it('reports a field that the server did not keep, with its version', async () => {
    // The server turns an empty duplicate window into its own default; an old one drops unknown fields in the same way.
    const error = await provision(harness.link, { topology: change('EVENTS', { duplicate_window: 0 }) }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ProvisionError);
    expect(String(error)).toMatch(
      /nats-server 2\.\d+\.\d+ did not keep all of EVENTS: duplicate_window is 120000000000, wanted 0/,
    );
  });

  it('reports a field that the server refuses', async () => {
    const error = await provision(harness.link, { topology: change('EVENTS', { allow_teleport: true }) }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ProvisionError);
    expect(String(error)).toMatch(/nats-server 2\.\d+\.\d+ refused EVENTS: .*allow_teleport/);
  });

  it('reports a change that a stream cannot make', async () => {
    const error = await provision(harness.link, { topology: change('EVENTS', { storage: 'memory' }) }).catch(
      (reason: unknown) => reason,
    );
    expect(String(error)).toMatch(/refused EVENTS: .*storage/);
  });

  it('asks for as many replicas as it is told', async () => {
    expect(await checkProvision(harness.link, { replicas: 3 })).toContain('CASES: num_replicas is 1, wanted 3');
    await expect(provision(harness.link, { replicas: 3 })).rejects.toThrow(/refused CASES: replicas > 1 not supported/);
  });
});

describe("a topic's consumer", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());
  const topic = { system: 'cases', namespace: 'globex', topic: 'kyc' } as const;

  it('is made once for all who ask at the same time', async () => {
    const before = harness.link.connection!.stats().outMsgs;
    await Promise.all(Array.from({ length: 50 }, () => harness.consumers.ensure(topic)));
    await harness.consumers.ensure(topic);
    expect(harness.link.connection!.stats().outMsgs - before).toBe(1);
    expect(await harness.tickets.readLoad(topic)).toEqual({
      fresh: 0,
      outstanding: 0,
      outstandingMax: 1_000_000,
      redelivered: 0,
      pulls: 0,
    });
  });

  it('may exist already, also with another configuration', async () => {
    await new TopicConsumers(harness.link).ensure(topic);
    const config = {
      durable_name: 'globex_other',
      filter_subject: 'cases.globex.other',
      ack_policy: 'explicit',
      ack_wait: 5_000_000_000,
    };
    await callApi(harness.link, 'CONSUMER.CREATE.CASES.globex_other.cases.globex.other', {
      stream_name: 'CASES',
      config,
    });
    await harness.consumers.ensure({ ...topic, topic: 'other' });
    const info = await callApi<{ config: object }>(harness.link, 'CONSUMER.INFO.CASES.globex_other');
    expect(info.config).toMatchObject({ ack_wait: 5_000_000_000 });
  });

  it('is made again after it was deleted and forgotten', async () => {
    await deleteConsumer(harness.link, topic);
    expect(await harness.tickets.readLoad(topic)).toBeUndefined();
    harness.consumers.forget(topic);
    await harness.consumers.ensure(topic);
    expect(await harness.tickets.readLoad(topic)).toBeDefined();
  });

  it('cannot be made without its stream, and is made when the stream is back', async () => {
    await callApi(harness.link, 'STREAM.DELETE.CASES');
    harness.consumers.forget(topic);
    const error = await harness.consumers.ensure(topic).catch((reason: unknown) => reason);
    expect(isMissing(error)).toBe(true);
    expect(isRefusal(error, 10059)).toBe(true);
    await provision(harness.link);
    await harness.consumers.ensure(topic);
    expect(await harness.tickets.readLoad(topic)).toBeDefined();
  });
});
