import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namedKinds, readCaseTaskRules, wantsKind } from '../../src/cases/case-task-rules.ts';
import type { CrashPoint } from '../../src/crash-point.ts';
import { createDocumentRegister } from '../../src/documents/stored-documents.ts';
import type { TaskRecord, TaskStatus } from '../../src/domain/task.ts';
import type { MailRecord, MailStatus } from '../../src/mail/mail-record.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, bob, startEngine, testSecret } from '../support/engine.ts';
import type { RunningModule } from '../support/run-module.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';
import { producer, startWorker, supervisor, untilStatus } from './task-engine.ts';

let engine: TestEngine;
let server: TestSmtpServer;
const blobs = uniqueDirectory('case-task-blobs');
beforeAll(async () => {
  server = await TestSmtpServer.start();
  engine = await startEngine({ CASE_TASKS: 'all; quiet: none', BLOB_URL: `fs:${blobs}`, ...mailSettings() });
  await engine.startScheduler();
});
afterAll(async () => {
  await engine.stop();
  await server.stop();
});

const mailSettings = () => ({
  SMTP_URL: server.url,
  MAIL_FROM: 'Caseload <cases@example.com>',
  MAIL_SEND_SECONDS: '1',
});

const pdf = readFileSync(new URL('../fixtures/documents/minimal-document.pdf', import.meta.url));

async function upload(): Promise<string> {
  const sha256 = createHash('sha256').update(pdf).digest('hex');
  const declared = { fileName: 'passport.pdf', contentType: 'application/pdf', sizeBytes: pdf.length, sha256 };
  const { services, blobs: store, shard } = engine.foundation;
  const { documentId } = await services.createUpload(alice, { namespace: 'acme', ...declared });
  await store.put(`test/${documentId}`, Readable.from([pdf]), { ...declared, sha256Hex: sha256 });
  await createDocumentRegister(shard).markStored(documentId, `test/${documentId}`);
  return documentId;
}

async function register(email: string, documentIds: readonly string[] = []): Promise<string> {
  const result = await engine.foundation.services.register(alice, {
    ...application,
    applicant: { name: 'Zoë Smith', email },
    documents: documentIds.map((documentId) => ({ documentId, kind: 'passport' })),
  });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

/** The tasks of a case, by what happened to it. */
async function tasksOf(caseId: string): Promise<Record<string, readonly TaskRecord[]>> {
  const { services } = engine.foundation;
  const page = await services.listJobs(producer, { namespace: 'acme', first: 10, filter: { externalId: caseId } });
  const jobs = page.edges.map((edge) => edge.node);
  return Object.fromEntries(
    await Promise.all(jobs.map(async (job) => [job.kind, await services.taskStore.tasksOf(job.id)] as const)),
  );
}

async function mailsOf(caseId: string): Promise<readonly MailRecord[]> {
  const operator = actor('olga', 'operator');
  const page = await engine.foundation.services.listMails(operator, {
    namespace: 'acme',
    first: 10,
    filter: { aboutId: caseId },
  });
  return page.edges.map((edge) => edge.node);
}

const receivedBy = (address: string) => server.received.filter((mail) => mail.envelopeTo.includes(address));

async function decide(caseId: string): Promise<void> {
  const { services } = engine.foundation;
  const claimed = await services.claimCase(bob, { caseId });
  if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
  const leaseToken = claimed.held.lease!.token;
  const input = { caseId, leaseToken, verdict: 'REJECT', reason: 'bob thinks that the passport is forged' } as const;
  expect((await services.decide(bob, input)).kind).toBe('decided');
  // A decision that is told again under a dead token makes nothing new.
  expect((await services.decide(bob, input)).kind).toBe('alreadyDecided');
}

/** The audit trail was written out, whole, and can be read from where the record says. */
async function expectExport(caseId: string): Promise<void> {
  const { services, blobs: store, shard } = engine.foundation;
  const row = await createDocumentRegister(shard).find(caseId);
  expect(row).toMatchObject({ contentType: 'application/json', namespace: 'acme', state: 'ATTACHED' });
  expect(await services.findCaseExport(caseId)).toMatchObject({ sha256Hex: row!.sha256Hex });
  const bytes = await buffer((await store.get(row!.blobKey!))!);
  expect(row!.sizeBytes).toBe(bytes.length);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(row!.sha256Hex);
  const trail = JSON.parse(bytes.toString());
  expect(trail.events.map((event: { type: string }) => event.type)).toEqual(['REGISTERED', 'CLAIMED', 'REJECTED']);
  expect(trail).toMatchObject({ case: { id: caseId }, decision: { decidedBy: 'bob', verdict: 'REJECT' } });
  expect(trail.documents).toHaveLength(2);
}

describe('a case', () => {
  it('gets its mails and checks, each once, and the decision without who and why', async () => {
    const stop = await startWorker(await engine.another(), engine.foundation.taskHandlers);
    const address = 'zoe@example.com';
    const caseId = await register(address, [await upload(), await upload()]);
    const { 'case-registered': first } = await tasksOf(caseId);
    expect(first?.map((task) => task.kind)).toEqual(['confirmation-mail', 'document-check', 'document-check']);
    for (const task of first!) await untilStatus(engine.foundation, task.id, 'SUCCEEDED');
    await decide(caseId);
    const { 'case-decided': second } = await tasksOf(caseId);
    expect(second?.map((task) => task.kind)).toEqual(['audit-export', 'decision-mail']);
    for (const task of second!) await untilStatus(engine.foundation, task.id, 'SUCCEEDED');
    const mails = receivedBy(address);
    const reference = caseId.slice(-8).toUpperCase();
    expect(mails.map((mail) => mail.parsed.subject)).toEqual([
      `We have received your case ${reference}`,
      `Your case ${reference} was rejected`,
    ]);
    expect(mails[0]!.parsed.text).toMatch(/Dear Zoë Smith,[\s\S]*passport\.pdf \(passport\)/);
    expect(mails[1]!.raw).not.toMatch(/bob|forged/);
    expect(mails[1]!.parsed.html).not.toMatch(/bob|forged/);
    expect((await mailsOf(caseId)).map((mail) => [mail.key, mail.status])).toEqual([
      [`case/${caseId}/decision`, 'SENT'],
      [`case/${caseId}/confirmation`, 'SENT'],
    ]);
    await expectExport(caseId);
    await stop();
  });

  it('tells of its tasks live, from their creation on', async () => {
    const updates = await engine.foundation.services.watchJobs(supervisor, { namespace: 'acme' });
    const caseId = await register('live@example.com');
    // Tasks of cases before may still be at work.
    for await (const update of updates) {
      if (update.job?.externalId !== caseId) continue;
      expect(update).toMatchObject({
        type: 'CREATED',
        actor: 'alice',
        job: { kind: 'case-registered', externalId: caseId },
        task: { kind: 'confirmation-mail', payload: { caseId } },
      });
      break;
    }
  });

  it('that is refused leaves no task, and one in a namespace without tasks has none', async () => {
    const { services } = engine.foundation;
    const used = await upload();
    const caseId = await register('first@example.com', [used]);
    const again = await services.register(alice, {
      ...application,
      documents: [{ documentId: used, kind: 'passport' }],
    });
    expect(again).toMatchObject({ kind: 'documentNotReady', state: 'ATTACHED' });
    const quiet = await services.register({ ...alice, namespace: 'quiet' }, { ...application, namespace: 'quiet' });
    expect(quiet.kind).toBe('registered');
    const pool = await engine.foundation.shard.pool();
    const { rows } = await pool.query(
      `select j.namespace, j.external_id from jobs j where j.namespace = 'quiet' or j.id in
         (select job_id from tasks where payload->>'documentId' = $1)`,
      [used],
    );
    expect(rows).toEqual([{ namespace: 'acme', external_id: caseId }]);
  });

  it('registered twice under one key has one job', async () => {
    const input = { ...application, idempotencyKey: 'twice' };
    const made = await Promise.all([1, 2, 3].map(() => engine.foundation.services.register(alice, input)));
    const ids = new Set(made.map((result) => (result.kind === 'registered' ? result.held.case.id : result.kind)));
    expect(ids.size).toBe(1);
    const page = await engine.foundation.services.listJobs(producer, {
      namespace: 'acme',
      first: 10,
      filter: { externalId: [...ids][0]! },
    });
    expect(page.edges).toHaveLength(1);
    expect(
      (await engine.foundation.services.jobsAbout({ namespace: 'acme', externalId: [...ids][0]! })).map(
        (job) => job.id,
      ),
    ).toEqual(page.edges.map((edge) => edge.node.id));
  });
});

describe('a worker that is killed', () => {
  const program = fileURLToPath(new URL('./mail-worker-process.ts', import.meta.url));
  const start = (more: Readonly<Record<string, string>>): RunningModule =>
    runModule(`await import(${JSON.stringify(program)});`, {
      PATH: process.env.PATH,
      DATABASE_URLS: engine.database.url,
      NATS_URL: engine.nats.url,
      AUTH_SECRET: testSecret,
      BLOB_URL: `fs:${blobs}`,
      ...mailSettings(),
      ...more,
    });

  /** Registers a case whose first mail a worker dies of. */
  async function registerDoomed(point: CrashPoint, address: string): Promise<string> {
    const doomed = start({ CASELOAD_CRASH_AT: point });
    await doomed.firstLine;
    const caseId = await register(address);
    await doomed.exited;
    return caseId;
  }

  async function expectEnd(caseId: string, taskStatus: TaskStatus, mailStatus: MailStatus): Promise<void> {
    const [task] = (await tasksOf(caseId))['case-registered']!;
    await untilStatus(engine.foundation, task!.id, taskStatus);
    expect((await mailsOf(caseId)).map((mail) => mail.status)).toEqual([mailStatus]);
  }

  /** What other tests registered must not be what a doomed worker dies of. */
  async function clearTasks(): Promise<void> {
    const pool = await engine.foundation.shard.pool();
    await pool.query(`delete from items where topic_id in (select id from topics where system = 'tasks')`);
  }

  it('before its mail has left, or after: the next one sends it, or says the same again', async () => {
    await clearTasks();
    const unsent = await registerDoomed('mail_before_send', 'unsent@example.com');
    const sent = await registerDoomed('mail_after_send', 'sent@example.com');
    expect([receivedBy('unsent@example.com').length, receivedBy('sent@example.com').length]).toEqual([0, 1]);
    const healthy = start({});
    await expectEnd(unsent, 'SUCCEEDED', 'SENT');
    await expectEnd(sent, 'SUCCEEDED', 'SENT');
    expect([receivedBy('unsent@example.com').length, receivedBy('sent@example.com').length]).toEqual([1, 2]);
    expect(server.toldApart('sent@example.com')).toHaveLength(1);
    healthy.child.kill('SIGKILL');
    await healthy.exited;
  });

  it('after its mail has left, where that is held: nobody sends it', async () => {
    await clearTasks();
    const caseId = await registerDoomed('mail_after_send', 'held@example.com');
    const healthy = start({ MAIL_WHEN_UNCERTAIN: 'hold' });
    await expectEnd(caseId, 'FAILED', 'UNCERTAIN');
    expect(receivedBy('held@example.com')).toHaveLength(1);
    healthy.child.kill('SIGKILL');
    await healthy.exited;
  });
});

describe('CASE_TASKS', () => {
  it('says which kinds which namespace gets', () => {
    const faults: string[] = [];
    const rules = readCaseTaskRules('confirmation-mail, decision-mail; acme: all; quiet:none', faults);
    expect(faults).toEqual([]);
    expect(wantsKind(rules, 'other', 'decision-mail')).toBe(true);
    expect(wantsKind(rules, 'other', 'document-check')).toBe(false);
    expect(wantsKind(rules, 'acme', 'document-check')).toBe(true);
    expect(wantsKind(rules, 'quiet', 'decision-mail')).toBe(false);
    expect(wantsKind(readCaseTaskRules(undefined, faults), 'acme', 'decision-mail')).toBe(false);
    expect(namedKinds(rules)).toEqual(['confirmation-mail', 'decision-mail']);
    readCaseTaskRules('Mail; a b: all', faults);
    expect(faults).toHaveLength(2);
  });
});
