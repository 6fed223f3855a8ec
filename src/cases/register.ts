import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { CaseRecord } from '../domain/case.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseEmail, parseIdempotencyKey, parseName, parseText, parseWhole } from '../domain/names.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, loadStatementWith, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { Topics } from '../queue/topics.ts';
import type { HeldCase } from './case-rows.ts';
import type { CaseTaskPlanner, NewCaseJob } from './case-tasks.ts';
import { announceTasks, jobColumns } from './case-tasks.ts';
import type { CaseStore } from './store.ts';
import { hashRequest } from './store.ts';

const registerCases = loadStatement('register-cases');
const registerWithTasks = loadStatementWith('register-cases', 'register-tasks');
const readDocumentStates = loadStatement('read-document-states');

export interface RegisterInput {
  readonly namespace: string;
  readonly topic: string;
  readonly applicant: {
    readonly name: string;
    readonly email: string;
    readonly details?: Record<string, unknown> | null;
  };
  readonly documents?: readonly { readonly documentId: string; readonly kind: string }[] | null;
  readonly priority: number;
  readonly idempotencyKey?: string | null;
  readonly region?: string | null;
}

export type RegisterResult =
  | { readonly kind: 'registered'; readonly held: HeldCase }
  | {
      readonly kind: 'documentNotReady';
      readonly documentId: string;
      readonly state: 'UNKNOWN' | 'AWAITING' | 'ATTACHED';
    }
  | { readonly kind: 'idempotencyConflict' };

interface Entry {
  readonly id: string;
  readonly topic: Topic;
  readonly registrant: string;
  readonly applicant: { readonly name: string; readonly email: string; readonly details: string | null };
  readonly documents: readonly { readonly documentId: string; readonly kind: string }[];
  readonly priority: number;
  readonly region: string | null;
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  readonly job: NewCaseJob | undefined;
}

interface Outcome {
  readonly outcome: 'registered' | 'documents' | 'key';
  readonly at: string | null;
}

export interface RegisterDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: CaseStore;
  readonly announcer: Announcer;
  readonly newId: (shard: number) => string;
  readonly caseTasks: CaseTaskPlanner;
  readonly observeBatch?: (rows: number, milliseconds: number) => void;
}

/**
 * Registers a case with its documents: the case, its first event, its item and the tasks that follow are committed
 * together, then tickets are issued. The case can be claimed when this answers.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createRegister(
  dependencies: RegisterDependencies,
): (actor: Actor | undefined, input: RegisterInput) => Promise<RegisterResult> {
  const { shard, topics, store, announcer, newId, caseTasks } = dependencies;
  const commit = createBatcher<Entry, Outcome>({
    run: (entries) => commitEntries(shard, announcer, entries),
    ...(dependencies.observeBatch === undefined ? {} : { observe: dependencies.observeBatch }),
  });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['applicant', 'supervisor', 'operator']);
    const details = parseDetails(input.applicant.details);
    const documents = parseDocuments(input.documents ?? []);
    const idempotencyKey = parseIdempotencyKey('input.idempotencyKey', input.idempotencyKey);
    const name = parseText('input.applicant.name', input.applicant.name, { charactersMax: limits.textCharacters });
    const email = parseEmail('input.applicant.email', input.applicant.email);
    const priority = parseWhole('input.priority', input.priority, -2_147_483_648, 2_147_483_647);
    const region = input.region === null || input.region === undefined ? null : parseName('input.region', input.region);
    const topicName = parseName('input.topic', input.topic);
    const topic = topics.known(namespace, 'cases', topicName) ?? (await topics.ensure(namespace, 'cases', topicName));
    const requestHash =
      idempotencyKey === null ? null : hashRequest([topicName, name, email, details, documents, priority, region]);
    const id = newId(shard.number);
    const documentIds = documents.map((document) => document.documentId);
    const job = await caseTasks.plan('REGISTERED', shard.number, namespace, { caseId: id, documentIds });
    const entry: Entry = {
      id,
      topic,
      registrant: actor.subject,
      applicant: { name, email, details },
      documents,
      priority,
      region,
      idempotencyKey,
      requestHash,
      job,
    };
    // A known key is looked up first only when the insert refused it: the first use is the common one.
    const { outcome, at } = await commit(entry);
    if (outcome === 'registered') {
      return { kind: 'registered', held: { case: toRecord(entry, at!, input.applicant.details ?? null), lease: null } };
    }
    if (idempotencyKey !== null) {
      const earlier = await store.idempotentResult(namespace, actor.subject, 'register', idempotencyKey);
      if (earlier !== undefined) {
        if (earlier.requestHash !== requestHash) return { kind: 'idempotencyConflict' };
        return { kind: 'registered', held: await store.get(earlier.resultId) };
      }
    }
    return explainDocuments(shard, entry);
  };
}

function toRecord(entry: Entry, at: string, details: Record<string, unknown> | null): CaseRecord {
  return {
    id: entry.id,
    namespace: entry.topic.namespace,
    topicId: entry.topic.id,
    registrant: entry.registrant,
    applicant: { name: entry.applicant.name, email: entry.applicant.email, details },
    priority: entry.priority,
    region: entry.region,
    registeredAt: toDate(at),
    decision: null,
  };
}

async function commitEntries(shard: Shard, announcer: Announcer, entries: readonly Entry[]): Promise<Outcome[]> {
  // A document that two entries of one batch name goes to the first; the other is told what happened to it.
  const taken = new Set<string>();
  const accepted: Entry[] = [];
  const answers = new Array<Outcome>(entries.length);
  const places: number[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry.documents.some((document) => taken.has(document.documentId))) {
      answers[index] = { outcome: 'documents', at: null };
      continue;
    }
    for (const document of entry.documents) taken.add(document.documentId);
    accepted.push(entry);
    places.push(index);
  }
  const documents = accepted.flatMap((entry, index) =>
    entry.documents.map((document, place) => ({ entry: index + 1, ...document, place })),
  );
  const jobs = jobColumns(accepted.map((entry) => entry.job));
  const rows = await shard.run<Outcome & { n: number }>(jobs.length === 0 ? registerCases : registerWithTasks, [
    accepted.map((entry) => entry.id),
    accepted.map((entry) => entry.topic.id),
    accepted.map((entry) => entry.topic.namespace),
    accepted.map((entry) => entry.registrant),
    accepted.map((entry) => entry.applicant.name),
    accepted.map((entry) => entry.applicant.email),
    accepted.map((entry) => entry.applicant.details),
    accepted.map((entry) => entry.priority),
    accepted.map((entry) => entry.region),
    accepted.map((entry) => entry.idempotencyKey),
    accepted.map((entry) => entry.requestHash),
    documents.map((document) => document.entry),
    documents.map((document) => document.documentId),
    documents.map((document) => document.kind),
    documents.map((document) => document.place),
    accepted.map((entry) => entry.documents.length),
    ...jobs,
  ]);
  const registered: { entry: Entry; at: string }[] = [];
  for (const row of rows) {
    answers[places[row.n - 1]!] = row;
    if (row.outcome === 'registered') registered.push({ entry: accepted[row.n - 1]!, at: row.at! });
  }
  if (registered.length === 0) return answers;
  crashPoint('register_after_commit');
  announce(announcer, registered);
  return answers;
}

/** After the commit, never before: what is lost here is a wrong count of tickets, and the reconciler sets it right. */
function announce(announcer: Announcer, registered: readonly { entry: Entry; at: string }[]): void {
  announceReady(
    announcer,
    registered.map(({ entry, at }) => ({
      topic: entry.topic,
      key: { priority: entry.priority, deliverAfter: at, id: entry.id },
    })),
  );
  announcer.issueTickets(
    registered.map(({ entry }) => ({ topic: entry.topic, itemId: entry.id, priority: entry.priority })),
  );
  announceTasks(
    announcer,
    registered.map(({ entry, at }) => ({ job: entry.job, priority: entry.priority, at })),
  );
  announcer.eventsWritten();
}

function parseDetails(details: Record<string, unknown> | null | undefined): string | null {
  if (details === null || details === undefined) return null;
  const text = JSON.stringify(details);
  if (Buffer.byteLength(text) > limits.applicantDetailsBytes) {
    throw badInput('input.applicant.details', `must have at most ${limits.applicantDetailsBytes} bytes as JSON`);
  }
  // PostgreSQL's jsonb cannot hold these, however they are written.
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i.test(text))
    throw badInput('input.applicant.details', 'has null characters or broken Unicode');
  return text;
}

function parseDocuments(
  documents: readonly { readonly documentId: string; readonly kind: string }[],
): { documentId: string; kind: string }[] {
  if (documents.length > limits.documentsPerCase) {
    throw badInput('input.documents', `must have at most ${limits.documentsPerCase} entries`);
  }
  const seen = new Set<string>();
  return documents.map((document, index) => {
    const documentId = parseId(`input.documents.${index}.documentId`, document.documentId);
    if (seen.has(documentId)) throw badInput(`input.documents.${index}.documentId`, 'is named twice');
    seen.add(documentId);
    return {
      documentId,
      kind: parseText(`input.documents.${index}.kind`, document.kind, { charactersMax: limits.nameCharacters }),
    };
  });
}

/** Names the first document that stands in the way. Somebody else's document looks like one that does not exist. */
async function explainDocuments(shard: Shard, entry: Entry): Promise<RegisterResult> {
  const ids = entry.documents.map((document) => document.documentId);
  const rows = await shard.run<{ id: string; state: 'AWAITING' | 'STORED' | 'ATTACHED' }>(readDocumentStates, [
    ids,
    entry.topic.namespace,
    entry.registrant,
  ]);
  const states = new Map(rows.map((row) => [row.id, row.state]));
  for (const documentId of ids) {
    const state = states.get(documentId) ?? 'UNKNOWN';
    if (state !== 'STORED') return { kind: 'documentNotReady', documentId, state };
  }
  // All are ready now: the one that was in the way belonged to a request that ran at the same moment and failed.
  return { kind: 'documentNotReady', documentId: ids[0] ?? '', state: 'AWAITING' };
}
