import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { PageFault } from './count-pages.ts';

const saveCheck = loadStatement('save-document-check');
const readChecks = loadStatement('read-document-checks');

export const checkOutcomes = ['SOUND', 'DIFFERENT', 'INFECTED'] as const;

/** What a check of a document's stored bytes found. */
export interface DocumentCheck {
  /** DIFFERENT: the bytes are not what was declared. INFECTED: the scanner says so. */
  readonly outcome: (typeof checkOutcomes)[number];
  readonly pageCount: number | null;
  /** Why the pages of a PDF could not be counted. */
  readonly pageFault: PageFault | null;
  /** Null where no scanner is configured. */
  readonly scan: 'CLEAN' | 'INFECTED' | null;
  readonly detail: string | null;
}

export type CheckedDocument = DocumentCheck & { readonly checkedAt: Date };

interface Row {
  readonly document_id: string;
  readonly outcome: DocumentCheck['outcome'];
  readonly page_count: number | null;
  readonly page_fault: PageFault | null;
  readonly scan: DocumentCheck['scan'];
  readonly detail: string | null;
  readonly checked_at: string;
}

/** The last check of each document, in the record. */
export class DocumentChecks {
  readonly #shard: Shard;
  /** The last check of a document, if there was one. Who may see it is the caller's business. */
  readonly find: (documentId: string) => Promise<CheckedDocument | undefined>;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.find = createBatcher({
      run: async (ids: readonly string[]) => {
        const rows = await shard.run<Row>(readChecks, [[...new Set(ids)]]);
        const byId = new Map(rows.map((row) => [row.document_id, toCheck(row)]));
        return ids.map((id) => byId.get(id));
      },
    });
  }

  /** Keeps a check in the place of the one before. @throws Fault `UNAVAILABLE` or `BACKPRESSURE` */
  async save(documentId: string, namespace: string, check: DocumentCheck): Promise<void> {
    const { outcome, pageCount, pageFault, scan, detail } = check;
    await this.#shard.run(saveCheck, [documentId, namespace, outcome, pageCount, pageFault, scan, detail]);
  }
}

function toCheck(row: Row): CheckedDocument {
  return {
    outcome: row.outcome,
    pageCount: row.page_count,
    pageFault: row.page_fault,
    scan: row.scan,
    detail: row.detail,
    checkedAt: toDate(row.checked_at),
  };
}
