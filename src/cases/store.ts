import { createHash } from 'node:crypto';
import { notFound } from '../domain/errors.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { CaseRow, HeldCase } from './case-rows.ts';
import { toHeldCase } from './case-rows.ts';

const readCases = loadStatement('read-cases');
const readHeldCases = loadStatement('read-held-cases');
const readCaseDocuments = loadStatement('read-case-documents');
const readKey = loadStatement('read-idempotency-key');

export interface CaseDocument {
  readonly id: string;
  readonly caseId: string;
  readonly namespace: string;
  readonly kind: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

interface DocumentRow {
  readonly id: string;
  readonly case_id: string;
  readonly namespace: string;
  readonly kind: string;
  readonly file_name: string;
  readonly content_type: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** Reads of cases by key, coalesced over all requests of this process. Who may see what is the callers' business. */
export class CaseStore {
  readonly #shard: Shard;
  readonly find: (id: string) => Promise<HeldCase | undefined>;
  readonly documents: (caseId: string) => Promise<readonly CaseDocument[]>;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.find = createBatcher({ run: (ids) => this.#findMany(ids) });
    this.documents = createBatcher({ run: (ids) => this.#documentsOfMany(ids) });
  }

  /** @throws Fault `NOT_FOUND` */
  async get(id: string): Promise<HeldCase> {
    const found = await this.find(id);
    if (found === undefined) throw notFound('Case');
    return found;
  }

  async heldBy(namespace: string, holder: string, most: number): Promise<readonly HeldCase[]> {
    return (await this.#shard.run<CaseRow>(readHeldCases, [namespace, holder, most])).map(toHeldCase);
  }

  /** What an idempotency key stands for, if it was used. */
  async idempotentResult(
    namespace: string,
    actor: string,
    operation: string,
    key: string,
  ): Promise<{ resultId: string; requestHash: string } | undefined> {
    const rows = await this.#shard.run<{ result_id: string; request_hash: string }>(readKey, [
      namespace,
      actor,
      operation,
      key,
    ]);
    const row = rows[0];
    return row === undefined ? undefined : { resultId: row.result_id, requestHash: row.request_hash };
  }

  async #findMany(ids: readonly string[]): Promise<(HeldCase | undefined)[]> {
    const rows = await this.#shard.run<CaseRow>(readCases, [[...new Set(ids)]]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => {
      const row = byId.get(id);
      return row === undefined ? undefined : toHeldCase(row);
    });
  }

  async #documentsOfMany(ids: readonly string[]): Promise<(readonly CaseDocument[])[]> {
    const rows = await this.#shard.run<DocumentRow>(readCaseDocuments, [[...new Set(ids)]]);
    const byCase = Map.groupBy(rows, (row) => row.case_id);
    return ids.map((id) =>
      (byCase.get(id) ?? []).map((row) => ({
        id: row.id,
        caseId: row.case_id,
        namespace: row.namespace,
        kind: row.kind,
        fileName: row.file_name,
        contentType: row.content_type,
        sizeBytes: row.size_bytes,
        sha256: row.sha256,
      })),
    );
  }
}

/** A digest by which the same request is told from another one under the same idempotency key. */
export function hashRequest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
