import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { TopicName } from '../../src/jetstream/subjects.ts';
import { consumerName, streamOf, ticketSubject } from '../../src/jetstream/subjects.ts';
import { createLogger } from '../../src/log.ts';

/**
 * Writes the kinds of tasks that this version runs, on each shard, into the autoscaler and into the job that makes their
 * consumers. To be run when a kind was added, and for another number of shards than the two of the demonstration:
 *
 *   node test/k8s/write-triggers.ts [shards]
 */

const namespace = 'acme';
const shards = Number(process.argv[2] ?? 2);
const scalerFile = new URL('../../k8s/components/keda/worker.yaml', import.meta.url);
const setupFile = new URL('../../k8s/base/setup.yaml', import.meta.url);

/** Nothing of it is reached: the programs are put together to see what they run. */
async function listKinds(): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'caseload-kinds-'));
  const foundation = await compose(
    readConfig({
      DATABASE_URLS: 'postgres://127.0.0.1:1/none',
      NATS_URL: 'nats://127.0.0.1:1',
      AUTH_SECRET: 'nobody signs anything with this here',
      BLOB_URL: `fs:${folder}`,
    }),
    createLogger('kinds', 'silent'),
    'kinds',
  );
  await foundation.close();
  rmSync(folder, { recursive: true });
  return foundation.taskHandlers.map(({ kind }) => kind).sort();
}

/** A formula takes names without dashes. */
function variableOf(topic: TopicName): string {
  return consumerName(topic).replaceAll('-', '_');
}

function writeTrigger(topic: TopicName, index: number): string {
  const remark =
    index === 0 ? '        # The headless service, because only the leader of a consumer knows its numbers.\n' : '';
  return `    - type: nats-jetstream
      name: ${variableOf(topic)}
      metadata:
${remark}        natsServerMonitoringEndpoint: nats-headless.caseload.svc.cluster.local:8222
        account: "$G"
        stream: ${streamOf(topic.system)}
        consumer: ${consumerName(topic)}
        lagThreshold: "20"
`;
}

const topics = (await listKinds()).flatMap((topic) =>
  Array.from({ length: shards }, (_, shard): TopicName => ({ system: 'tasks', namespace, topic, shard })),
);
const scaler = readFileSync(scalerFile, 'utf8');
const head = scaler.slice(0, scaler.indexOf('      formula: '));
const middle = scaler.slice(scaler.indexOf('      target: '), scaler.indexOf('  triggers:\n'));
const formula = topics.map((topic) => `        ${variableOf(topic)}`).join(' +\n');
const triggers = topics.map(writeTrigger).join('');
writeFileSync(scalerFile, `${head}      formula: >-\n${formula}\n${middle}  triggers:\n${triggers}`);
const options = topics.map((topic) => `            - --topic=${ticketSubject(topic)}\n`).join('');
writeFileSync(setupFile, readFileSync(setupFile, 'utf8').replace(/( {12}- --topic=\S+\n)+/, options));
