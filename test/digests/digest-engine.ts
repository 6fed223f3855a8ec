import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Email } from 'postal-mime';
import PostalMime from 'postal-mime';
import type { Foundation } from '../../src/compose.ts';
import type { SubmitRequestInput } from '../../src/digests/submit-request.ts';
import type { UpsertProviderInput } from '../../src/digests/upsert-provider.ts';
import type {
  DigestRecord,
  DigestStatus,
  RecipientRecord,
  RequestRecord,
  RequestStatus,
} from '../../src/domain/digest.ts';
import { actor } from '../support/engine.ts';
import { waitUntil } from '../support/wait-until.ts';

export const producer = actor('paul', 'producer');
export const supervisor = actor('sue', 'supervisor');

/** A provider with windows so long that none ends during a test, unless it says otherwise. */
export async function saveProvider(
  foundation: Foundation,
  externalId: string,
  more: Partial<UpsertProviderInput> = {},
): Promise<RecipientRecord> {
  return foundation.services.upsertProvider(producer, {
    namespace: 'acme',
    externalId,
    email: `${externalId.toLowerCase()}@example.com`,
    timeZone: 'Europe/Vienna',
    window: { every: 'P7D' },
    ...more,
  });
}

export async function submit(
  foundation: Foundation,
  provider: string,
  more: Partial<SubmitRequestInput> = {},
): Promise<RequestRecord> {
  const result = await foundation.services.submitRequest(producer, {
    namespace: 'acme',
    customer: { externalId: 'c-1', email: 'c-1@example.com' },
    providerExternalId: provider,
    item: { externalId: '85123A', description: 'White hanging heart', quantity: 6 },
    ...more,
  });
  if (result.kind !== 'submitted') throw new Error(result.kind);
  return result.request;
}

/** Mails that a folder has got, by their `To` address and then by subject. */
export async function readMails(folder: string): Promise<readonly Email[]> {
  const names = existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.eml') && !name.startsWith('.'))
    : [];
  const mails = await Promise.all(names.map((name) => PostalMime.parse(readFileSync(join(folder, name)))));
  return mails.sort((a, b) => sortKey(a).localeCompare(sortKey(b)));
}

function sortKey(mail: Email): string {
  return `${mail.to?.[0]?.address} ${mail.subject}`;
}

export async function digestOf(foundation: Foundation, requestId: string): Promise<DigestRecord> {
  const digest = await foundation.services.digestStore.digestOf(requestId, 'REQUEST');
  if (digest === null) throw new Error('the request is in no digest');
  return digest;
}

/** Looks until a digest stands as wanted. */
export async function untilDigest(
  foundation: Foundation,
  digestId: string,
  wanted: DigestStatus,
): Promise<DigestRecord> {
  let last: DigestRecord | undefined;
  await waitUntil(`digest ${wanted}`, async () => {
    last = await foundation.services.digestStore.getDigest(digestId);
    return last.status === wanted;
  });
  return last!;
}

/** Looks until a request stands as wanted. */
export async function untilRequest(
  foundation: Foundation,
  requestId: string,
  wanted: RequestStatus,
): Promise<RequestRecord> {
  let last: RequestRecord | undefined;
  await waitUntil(`request ${wanted}`, async () => {
    last = await foundation.services.digestStore.getRequest(requestId);
    return last.status === wanted;
  });
  return last!;
}

export async function timelineOf(foundation: Foundation, id: string): Promise<readonly string[]> {
  const history = await foundation.services.digestHistory(id, 100, null);
  return history.events.map((event) => event.type);
}

/** Sends a digest now, and waits until it is sent. */
export async function flush(foundation: Foundation, digestId: string): Promise<DigestRecord> {
  const result = await foundation.services.flushDigest(supervisor, { digestId });
  if (result.kind !== 'done') throw new Error(`the digest is ${result.status}`);
  return untilDigest(foundation, digestId, 'SENT');
}
