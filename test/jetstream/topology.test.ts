import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareConfig } from '../../src/jetstream/config-difference.ts';
import { readTopology, topicConsumerConfig } from '../../src/jetstream/topology.ts';

const files = new URL('../../jetstream/', import.meta.url);

describe('the files in jetstream/', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'topology-'));
    await cp(files, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));
  const read = () => readTopology(pathToFileURL(`${folder}/`));

  it('name the streams and a consumer for each system', () => {
    const topology = readTopology();
    expect(topology.streams.map(({ name }) => name)).toEqual(['CASES', 'EVENTS', 'QUEUE', 'TASKS']);
    expect(topology.consumers.map(({ stream, name }) => [stream, name])).toEqual([
      ['CASES', 'acme_cases'],
      ['QUEUE', 'acme_jobs'],
      ['TASKS', 'acme_webhook'],
    ]);
  });

  it('are the pattern for every other topic', () => {
    const topology = readTopology();
    const topic = { system: 'queue', namespace: 'globex', topic: 'mail' } as const;
    const pattern = topology.consumers.find(({ stream }) => stream === 'QUEUE')!.config;
    expect(topicConsumerConfig(topology, topic, 'queue.globex.mail')).toEqual({
      ...pattern,
      durable_name: 'globex_mail',
      filter_subject: 'queue.globex.mail',
    });
  });

  it('are refused with all faults at once', async () => {
    const consumer = JSON.parse(await readFile(join(folder, 'consumers/TASKS.json'), 'utf8'));
    await writeFile(
      join(folder, 'consumers/TASKS.json'),
      JSON.stringify({ ...consumer, max_deliver: 5, filter_subject: 'cases.acme.x' }),
    );
    await writeFile(
      join(folder, 'CASES.json'),
      JSON.stringify({ name: 'KASES', retention: 'limits', subjects: ['cases.>'], storage: 'file' }),
    );
    await writeFile(join(folder, 'QUEUE.json'), '{');
    await rm(join(folder, 'EVENTS.json'));
    expect(read).toThrow(/CASES\.json: name must be "CASES"/);
    expect(read).toThrow(/CASES\.json: retention must be "workqueue"/);
    expect(read).toThrow(/QUEUE\.json: .*JSON/);
    expect(read).toThrow(/EVENTS\.json is missing/);
    expect(read).toThrow(/consumers\/TASKS\.json: max_deliver must be -1/);
    expect(read).toThrow(/consumers\/TASKS\.json: filter_subject must be tasks\.<namespace>\.<topic>/);
  });
});

describe('a configuration and what a server has of it', () => {
  it('are the same when the server adds fields and leaves out empty ones', () => {
    const kept = { name: 'A', max_msgs: -1, metadata: { '_nats.ver': '2.15.1' }, subjects: ['a.>'] };
    expect(
      compareConfig({ name: 'A', deny_purge: false, max_age: 0, description: '', subjects: ['a.>'] }, kept),
    ).toEqual([]);
  });

  it('differ in fields that an old server does not know', () => {
    expect(compareConfig({ name: 'A', compression: 's2', max_waiting: 5 }, { name: 'A', max_waiting: 4 })).toEqual([
      { field: 'compression', wanted: 's2', kept: undefined },
      { field: 'max_waiting', wanted: 5, kept: 4 },
    ]);
  });
});
