import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';

const beginBlob = loadStatement('begin-blob');
const saveCaseExport = loadStatement('save-case-export');
const findCaseExport = loadStatement('find-case-export');

/** The audit trail of a case, written out as a JSON document in the blob store. */
export interface CaseExport {
  readonly namespace: string;
  readonly blobKey: string;
  readonly sizeBytes: number;
  readonly sha256Hex: string;
  readonly createdAt: Date;
}

interface Row {
  readonly namespace: string;
  readonly blob_key: string;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly created_at: string;
}

/** The record of exports. Who may see one is the callers' business; its methods throw Fault `UNAVAILABLE`. */
export class CaseExports {
  readonly #shard: Shard;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  async find(caseId: string): Promise<CaseExport | undefined> {
    const row = (await this.#shard.run<Row>(findCaseExport, [caseId]))[0];
    if (row === undefined) return undefined;
    return {
      namespace: row.namespace,
      blobKey: row.blob_key,
      sizeBytes: row.size_bytes,
      sha256Hex: row.sha256,
      createdAt: toDate(row.created_at),
    };
  }

  /** Notes down that an export is about to be stored under a key, so that it is found when it is never kept. */
  async beginBlob(caseId: string, blobKey: string): Promise<void> {
    await this.#shard.run(beginBlob, [blobKey, caseId]);
  }

  /**
   * Keeps where an export lies, in the place of the one before.
   * @returns undefined when the case is gone; otherwise the blob that is not named any more, if there is one
   */
  async save(
    caseId: string,
    made: Omit<CaseExport, 'createdAt'>,
  ): Promise<{ readonly unnamedBlob: string | undefined } | undefined> {
    const { namespace, blobKey, sizeBytes, sha256Hex } = made;
    const values = [caseId, namespace, blobKey, sizeBytes, sha256Hex];
    const row = (await this.#shard.run<{ before: string | null }>(saveCaseExport, values))[0];
    if (row === undefined) return undefined;
    return { unnamedBlob: row.before === null || row.before === blobKey ? undefined : row.before };
  }
}
