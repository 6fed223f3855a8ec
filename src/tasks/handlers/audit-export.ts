import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobStore } from '../../documents/blob-store.ts';
import type { CaseExports } from '../../documents/case-exports.ts';
import { defaultBackoff } from '../../domain/backoff.ts';
import type { CaseRecord } from '../../domain/case.ts';
import { limits } from '../../domain/limits.ts';
import type { ItemEvent, ItemHistoryPage } from '../../events/item-history.ts';
import type { AnyTaskHandler } from '../task-handler.ts';
import { defineTask, FatalTaskError } from '../task-handler.ts';
import type { CaseDocumentFacts, CasePayload, CaseReader } from './case-payload.ts';
import { findTaskCase, parseCasePayload } from './case-payload.ts';

export interface AuditExportParts {
  readonly cases: CaseReader;
  readonly caseHistory: (caseId: string, first: number, after: string | null) => Promise<ItemHistoryPage>;
  readonly exports: Pick<CaseExports, 'beginBlob' | 'save'>;
  readonly blobs: Pick<BlobStore, 'put' | 'delete'>;
}

/**
 * `audit-export` with payload `{ caseId }`: writes a case with its whole audit trail as a JSON document into the blob
 * store. The same trail gives the same bytes under the same key, so doing it twice leaves one.
 */
export function createAuditExport(parts: AuditExportParts): AnyTaskHandler {
  return defineTask<CasePayload>({
    kind: 'audit-export',
    internal: true,
    concurrency: 4,
    timeLimitMilliseconds: 60_000,
    leaseSeconds: 60,
    maxAttempts: 12,
    backoff: defaultBackoff,
    ofCase: { on: 'DECIDED', payloads: ({ caseId }) => [{ caseId }] },
    parsePayload: parseCasePayload,
    async run({ caseId }, { namespace, signal }) {
      const record = await findTaskCase(parts.cases, caseId, namespace);
      const events = await readTrail(parts, caseId, signal);
      const bytes = Buffer.from(formatExport(record, await parts.cases.documents(caseId), events));
      const sha256Hex = createHash('sha256').update(bytes).digest('hex');
      const blobKey = `${sha256Hex.slice(0, 2)}/${caseId}-${sha256Hex.slice(2, 32)}`;
      const description = { sizeBytes: bytes.length, sha256Hex, contentType: 'application/json' };
      await parts.exports.beginBlob(caseId, blobKey);
      await parts.blobs.put(blobKey, Readable.from([bytes]), description);
      const saved = await parts.exports.save(caseId, { namespace, blobKey, sizeBytes: bytes.length, sha256Hex });
      const unnamedBlob = saved === undefined ? blobKey : saved.unnamedBlob;
      if (unnamedBlob !== undefined) await parts.blobs.delete(unnamedBlob);
      if (saved === undefined) throw new FatalTaskError('The case was removed meanwhile');
      return { sizeBytes: bytes.length, sha256: sha256Hex, events: events.length };
    },
  });
}

async function readTrail(parts: AuditExportParts, caseId: string, signal: AbortSignal): Promise<readonly ItemEvent[]> {
  const events: ItemEvent[] = [];
  for (;;) {
    signal.throwIfAborted();
    const page = await parts.caseHistory(caseId, limits.auditExportPage, events.at(-1)?.cursor ?? null);
    events.push(...page.events);
    if (!page.hasNextPage) return events;
    if (events.length >= limits.auditExportEvents)
      throw new FatalTaskError(`The trail has more than ${limits.auditExportEvents} entries`);
  }
}

function formatExport(
  record: CaseRecord,
  documents: readonly CaseDocumentFacts[],
  events: readonly ItemEvent[],
): string {
  const { id, namespace, registrant, applicant, priority, region, registeredAt, decision } = record;
  const content = {
    format: 'caseload audit trail 1',
    case: { id, namespace, registrant, applicant, priority, region, registeredAt },
    documents: documents.map(({ id, kind, fileName, contentType, sizeBytes, sha256 }) => ({
      id,
      kind,
      fileName,
      contentType,
      sizeBytes,
      sha256,
    })),
    decision,
    events: events.map(({ type, at, actor, attempt, leaseExpiresAt, reason }) => ({
      type,
      at,
      actor,
      attempt,
      leaseExpiresAt,
      reason,
    })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
