import type {
  DigestItemKind,
  DigestItemRecord,
  DigestRecord,
  RecipientRecord,
  RequestRecord,
} from '../domain/digest.ts';
import { notFound } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import type { MailColumns, MailRecord } from '../mail/mail-record.ts';
import { toMail } from '../mail/mail-record.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Statement } from '../postgres/sql.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { DigestItemRow, DigestRow, RecipientRow, RequestRow } from './digest-rows.ts';
import { toDigest, toDigestItem, toRecipient, toRequest } from './digest-rows.ts';

const readRequests = loadStatement('read-requests');
const readDigests = loadStatement('read-digests');
const readRecipients = loadStatement('read-recipients');
const findRecipients = loadStatement('find-recipients');
const countOpenRequests = loadStatement('count-open-requests');
const findItemDigests = loadStatement('find-item-digests');
const listRequestDigests = loadStatement('list-request-digests');
const findPartMails = loadStatement('find-part-mails');
const listDigestItems = loadStatement('list-digest-items');

export interface RecipientName {
  readonly namespace: string;
  readonly kind: 'PROVIDER' | 'CUSTOMER';
  readonly externalId: string;
}

export interface RecipientCounts {
  readonly openRequests: number;
  readonly nextDigestAt: string | null;
}

/** A place in a digest: what that says of a request, and in which of its mails. */
export interface RequestPlace {
  readonly kind: DigestItemKind;
  readonly digestId: string;
  readonly part: number;
}

/** Reads by key, coalesced over all requests of this process. Who may see what is the callers' business. */
export class DigestStore {
  readonly findRequest: (id: string) => Promise<RequestRecord | undefined>;
  readonly findDigest: (id: string) => Promise<DigestRecord | undefined>;
  readonly findRecipientById: (id: string) => Promise<RecipientRecord | undefined>;
  readonly #findRecipientByName: (name: RecipientName) => Promise<RecipientRecord | undefined>;
  readonly countsOf: (recipientId: string) => Promise<RecipientCounts>;
  readonly #digestIdOf: (item: { readonly requestId: string; readonly kind: string }) => Promise<string | undefined>;
  /** All digests that a request is in, of both directions. */
  readonly placesOf: (requestId: string) => Promise<readonly RequestPlace[]>;
  /** The mail of a part as it was last written down; undefined before that. Who may read it is the callers' business. */
  readonly mailOf: (place: Pick<RequestPlace, 'digestId' | 'part'>) => Promise<MailRecord | undefined>;
  readonly #shard: Shard;
  readonly #providers = new RecentCache<RecipientRecord>(limits.recipientsRemembered);

  constructor(shard: Shard) {
    this.#shard = shard;
    this.findRequest = byId<RequestRow, RequestRecord>(shard, readRequests, toRequest);
    this.findDigest = byId<DigestRow, DigestRecord>(shard, readDigests, toDigest);
    this.findRecipientById = byId<RecipientRow, RecipientRecord>(shard, readRecipients, toRecipient);
    this.countsOf = byId<{ id: string; open_requests: number; next_digest_at: string | null }, RecipientCounts>(
      shard,
      countOpenRequests,
      (row) => ({ openRequests: row.open_requests, nextDigestAt: row.next_digest_at }),
    ) as (id: string) => Promise<RecipientCounts>;
    this.#digestIdOf = createBatcher({
      run: async (items) => {
        const rows = await shard.run<{ request_id: string; kind: string; digest_id: string }>(findItemDigests, [
          items.map((item) => item.requestId),
          items.map((item) => item.kind),
        ]);
        const found = new Map(rows.map((row) => [`${row.request_id} ${row.kind}`, row.digest_id]));
        return items.map(({ requestId, kind }) => found.get(`${requestId} ${kind}`));
      },
    });
    this.placesOf = createBatcher<string, readonly RequestPlace[]>({
      run: async (ids) => {
        const rows = await shard.run<DigestItemRow & { digest_id: string }>(listRequestDigests, [[...new Set(ids)]]);
        const found = Map.groupBy(rows, (row) => row.request_id);
        return ids.map((id) =>
          (found.get(id) ?? []).map(({ kind, digest_id: digestId, part }) => ({ kind, digestId, part })),
        );
      },
    });
    this.mailOf = createBatcher<Pick<RequestPlace, 'digestId' | 'part'>, MailRecord | undefined>({
      run: async (places) => {
        const rows = await shard.run<MailColumns & { digest_id: string; part: number }>(findPartMails, [
          places.map((place) => place.digestId),
          places.map((place) => place.part),
        ]);
        const found = new Map(rows.map((row) => [`${row.digest_id} ${row.part}`, toMail(row)]));
        return places.map(({ digestId, part }) => found.get(`${digestId} ${part}`));
      },
    });
    this.#findRecipientByName = createBatcher<RecipientName, RecipientRecord | undefined>({
      run: async (names) => {
        const rows = await shard.run<RecipientRow>(findRecipients, [
          names.map((name) => name.namespace),
          names.map((name) => name.kind),
          names.map((name) => name.externalId),
        ]);
        const found = new Map(rows.map((row) => [keyOf(row.namespace, row.kind, row.external_id), toRecipient(row)]));
        return names.map(({ namespace, kind, externalId }) => found.get(keyOf(namespace, kind, externalId)));
      },
    });
  }

  /** The digest in which a request goes to its provider, or its answer to its customer. */
  async digestOf(requestId: string, kind: 'REQUEST' | 'ANSWER'): Promise<DigestRecord | null> {
    const id = await this.#digestIdOf({ requestId, kind });
    return id === undefined ? null : ((await this.findDigest(id)) ?? null);
  }

  async getRequest(id: string): Promise<RequestRecord> {
    return (await this.findRequest(id)) ?? fail('Request');
  }

  async getDigest(id: string): Promise<DigestRecord> {
    return (await this.findDigest(id)) ?? fail('Digest');
  }

  async getRecipient(id: string): Promise<RecipientRecord> {
    return (await this.findRecipientById(id)) ?? fail('Provider');
  }

  findRecipient(name: RecipientName): Promise<RecipientRecord | undefined> {
    return this.#findRecipientByName(name);
  }

  /** A provider as it was lately: whoever writes by it says which version it saw. */
  async recallProvider(namespace: string, externalId: string): Promise<RecipientRecord | undefined> {
    const key = keyOf(namespace, 'PROVIDER', externalId);
    const known = this.#providers.get(key);
    if (known !== undefined) return known;
    const found = await this.#findRecipientByName({ namespace, kind: 'PROVIDER', externalId });
    if (found !== undefined) this.#providers.set(key, found);
    return found;
  }

  /** It has changed: the next one who recalls it reads it anew. */
  forgetProvider(namespace: string, externalId: string): void {
    this.#providers.delete(keyOf(namespace, 'PROVIDER', externalId));
  }

  /** A page of what is in a digest. @param part of it alone, null for all */
  async itemsOf(
    digestId: string,
    part: number | null,
    after: { readonly requestId: string; readonly kind: string } | null,
    count: number,
  ): Promise<readonly DigestItemRecord[]> {
    const rows = await this.#shard.run<DigestItemRow>(listDigestItems, [
      digestId,
      part,
      after?.requestId ?? null,
      after?.kind ?? null,
      count,
    ]);
    return rows.map(toDigestItem);
  }
}

function keyOf(namespace: string, kind: string, externalId: string): string {
  return `${namespace}/${kind}/${externalId}`;
}

function fail(what: string): never {
  throw notFound(what);
}

function byId<Row extends { readonly id: string }, Found>(
  shard: Shard,
  statement: Statement,
  convert: (row: Row) => Found,
): (id: string) => Promise<Found | undefined> {
  return createBatcher<string, Found | undefined>({
    run: async (ids) => {
      const rows = await shard.run<Row>(statement, [[...new Set(ids)]]);
      const found = new Map(rows.map((row) => [row.id, convert(row)]));
      return ids.map((id) => found.get(id));
    },
  });
}
