import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { parseDocumentDeclaration } from '../domain/document.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import { signUrl } from './signed-url.ts';

const announceDocuments = loadStatement('announce-documents');

export interface CreateUploadInput {
  readonly namespace: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Hexadecimal or Base64. */
  readonly sha256: string;
}

export interface CreatedUpload {
  readonly documentId: string;
  readonly url: string;
  readonly method: 'PUT';
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly expiresAt: Date;
}

export interface CreateUploadDependencies {
  readonly shard: Shard;
  readonly newId: (shard: number) => string;
  readonly now: () => number;
  readonly urlSecret: string;
  readonly publicUrl: string;
  readonly documentBytesMax: number;
}

interface Entry {
  readonly id: string;
  readonly namespace: string;
  readonly uploader: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Announces a document and answers with a signed URL to which its bytes can be PUT for a quarter of an hour.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `PAYLOAD_TOO_LARGE`, `RATE_LIMITED` (too many
 * documents of this uploader wait to be registered) or `UNAVAILABLE`
 */
export function createCreateUpload(
  dependencies: CreateUploadDependencies,
): (actor: Actor | undefined, input: CreateUploadInput) => Promise<CreatedUpload> {
  const { shard, newId, now, urlSecret, publicUrl, documentBytesMax } = dependencies;
  const announce = createBatcher<Entry, boolean>({ run: (entries) => announceEntries(shard, entries) });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['applicant', 'supervisor', 'operator']);
    const { fileName, contentType, sizeBytes, sha256Hex } = parseDocumentDeclaration('input', input, documentBytesMax);
    const id = newId(shard.number);
    const accepted = await announce({
      id,
      namespace,
      uploader: actor.subject,
      fileName,
      contentType,
      sizeBytes,
      sha256: sha256Hex,
    });
    if (!accepted) {
      throw new Fault('RATE_LIMITED', 'Too many documents of this uploader wait to be registered with a case', {
        retryAfterMs: 60_000,
      });
    }
    const expiresAtSeconds = Math.floor(now() / 1_000) + limits.uploadUrlSeconds;
    return {
      documentId: id,
      url: signUrl(urlSecret, publicUrl, { method: 'PUT', documentId: id, namespace, expiresAtSeconds }),
      method: 'PUT',
      headers: [{ name: 'Content-Type', value: contentType }],
      expiresAt: new Date(expiresAtSeconds * 1_000),
    };
  };
}

async function announceEntries(shard: Shard, entries: readonly Entry[]): Promise<boolean[]> {
  const rows = await shard.run<{ id: string }>(announceDocuments, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.uploader),
    entries.map((entry) => entry.fileName),
    entries.map((entry) => entry.contentType),
    entries.map((entry) => entry.sizeBytes),
    entries.map((entry) => entry.sha256),
    limits.unattachedDocumentsPerUploader,
  ]);
  const accepted = new Set(rows.map((row) => row.id));
  return entries.map((entry) => accepted.has(entry.id));
}
