import { createHash } from 'node:crypto';
import type { Foundation } from '../../compose.ts';
import type { Actor } from '../../domain/actor.ts';
import { loadStatement } from '../../postgres/sql.ts';
import type { ExampleCase, ExampleDocument } from './example-cases.ts';
import { exampleApplicant, exampleNamespace, readExampleCases, readExampleDocument } from './example-cases.ts';
import type { UploadDoor } from './upload-door.ts';
import { openUploadDoor } from './upload-door.ts';

const readExampleCompanies = loadStatement('read-example-companies');
const casesAtOnce = 8;

const applicant: Actor = {
  subject: exampleApplicant,
  namespace: exampleNamespace,
  roles: new Set(['applicant']),
  expiresAtSeconds: undefined,
};

export interface SeedReport {
  readonly registered: number;
  readonly documents: number;
  /** Were there already. */
  readonly kept: number;
}

/**
 * Registers the example cases that are missing, through the verbs that every client uses. Which are there is read from
 * the record, so it may be repeated at any time, after a start that was cut off too; two runs at the same moment are
 * kept apart by the idempotency keys.
 * @param signal ends it between two cases; what was registered stays
 * @throws Fault `UNAVAILABLE` and the like, as the verbs do
 */
export async function registerExamples(foundation: Foundation, signal?: AbortSignal): Promise<SeedReport> {
  const all = readExampleCases();
  const present = await readPresent(foundation, all);
  const missing = all.filter(({ cik }) => !present.has(cik));
  if (missing.length === 0) return { registered: 0, documents: 0, kept: all.length };
  const door = await openUploadDoor(foundation);
  const report = { registered: 0, documents: 0 };
  const next = missing.values();
  const work = async (): Promise<void> => {
    for (const example of next) {
      signal?.throwIfAborted();
      if (!(await registerExample(foundation, door, example))) continue;
      report.registered += 1;
      report.documents += example.documents.length;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: casesAtOnce }, work));
  await door.close();
  const failure = ended.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return { ...report, kept: all.length - report.registered };
}

async function readPresent({ shard }: Foundation, examples: readonly ExampleCase[]): Promise<ReadonlySet<string>> {
  const rows = await shard.run<{ cik: string }>(readExampleCompanies, [
    exampleNamespace,
    exampleApplicant,
    examples.map(({ cik }) => cik),
  ]);
  return new Set(rows.map(({ cik }) => cik));
}

/** @returns false when another run registered it at the same moment */
async function registerExample(foundation: Foundation, door: UploadDoor, example: ExampleCase): Promise<boolean> {
  const documents: { documentId: string; kind: string }[] = [];
  for (const document of example.documents) {
    documents.push({ documentId: await upload(foundation, door, document), kind: document.kind });
  }
  const result = await foundation.services.register(applicant, {
    namespace: exampleNamespace,
    topic: example.topic,
    applicant: example.applicant,
    documents,
    priority: example.priority,
    idempotencyKey: `example-company-${example.cik}`,
  });
  if (result.kind === 'documentNotReady') throw new Error(`A document of ${example.applicant.name} was not stored`);
  return result.kind === 'registered';
}

async function upload(
  { services }: Foundation,
  door: UploadDoor,
  { fileName, contentType }: ExampleDocument,
): Promise<string> {
  const bytes = readExampleDocument(fileName);
  const announced = await services.createUpload(applicant, {
    namespace: exampleNamespace,
    fileName,
    contentType,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  await door.put(announced, bytes);
  return announced.documentId;
}
