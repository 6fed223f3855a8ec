import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';

/**
 * Writes the kinds of tasks that this version runs into the autoscaler and into the job that makes their consumers; to
 * be run when a kind was added: node test/k8s/write-triggers.ts
 */

const namespace = 'acme';
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

function variableOf(kind: string): string {
  return `${namespace}_${kind.replaceAll('-', '_')}`;
}

function writeTrigger(kind: string, index: number): string {
  const remark =
    index === 0 ? '        # The headless service, because only the leader of a consumer knows its numbers.\n' : '';
  return `    - type: nats-jetstream
      name: ${variableOf(kind)}
      metadata:
${remark}        natsServerMonitoringEndpoint: nats-headless.caseload.svc.cluster.local:8222
        account: "$G"
        stream: TASKS
        consumer: ${namespace}_${kind}
        lagThreshold: "20"
`;
}

const kinds = await listKinds();
const scaler = readFileSync(scalerFile, 'utf8');
const head = scaler.slice(0, scaler.indexOf('  triggers:\n'));
const formula = kinds.map(variableOf).join(' + ');
writeFileSync(
  scalerFile,
  `${head.replace(/^ {6}formula: .*$/m, `      formula: ${formula}`)}  triggers:\n${kinds.map(writeTrigger).join('')}`,
);
const topics = kinds.map((kind) => `            - --topic=tasks.${namespace}.${kind}\n`).join('');
writeFileSync(setupFile, readFileSync(setupFile, 'utf8').replace(/( {12}- --topic=\S+\n)+/, topics));
