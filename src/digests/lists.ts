import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type {
  DigestDirection,
  DigestRecord,
  DigestStatus,
  RecipientRecord,
  RequestRecord,
  RequestStatus,
} from '../domain/digest.ts';
import { decodeIdCursor, encodeIdCursor } from '../domain/id-cursor.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { digestReaders, isMerelyProvider, requestReaders } from './access.ts';
import type { DigestRow, RecipientRow, RequestRow } from './digest-rows.ts';
import { toDigest, toRecipient, toRequest } from './digest-rows.ts';

const listRequests = loadStatement('list-requests');
const listDigests = loadStatement('list-digests');
const listRecipients = loadStatement('list-recipients');

export interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly hasNextPage: boolean;
}

interface PageArguments {
  readonly namespace: string;
  readonly first: number;
  readonly after?: string | null;
}

export interface RequestListArguments extends PageArguments {
  readonly filter?: {
    readonly status?: readonly RequestStatus[] | null;
    readonly providerExternalId?: string | null;
    readonly customerExternalId?: string | null;
    readonly digestId?: string | null;
  } | null;
}

export interface DigestListArguments extends PageArguments {
  readonly filter?: {
    readonly status?: readonly DigestStatus[] | null;
    readonly direction?: DigestDirection | null;
    readonly recipientExternalId?: string | null;
  } | null;
}

export interface RecipientListArguments extends PageArguments {
  /** Only those whose digests do not go: paused or bounced. */
  readonly stopped?: boolean | null;
}

/**
 * Lists a namespace's requests, newest first, page by page. A provider gets its own.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createListRequests(
  shard: Shard,
): (actor: Actor | undefined, input: RequestListArguments) => Promise<Page<RequestRecord>> {
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, requestReaders);
    const { status, providerExternalId, customerExternalId, digestId } = input.filter ?? {};
    const provider = isMerelyProvider(actor) ? actor.subject : parseExternal('providerExternalId', providerExternalId);
    const rows = await shard.run<RequestRow>(listRequests, [
      namespace,
      anyOf(status),
      provider,
      parseExternal('customerExternalId', customerExternalId),
      digestId == null ? null : parseId('filter.digestId', digestId),
      decodeIdCursor(input.after),
      input.first + 1,
    ]);
    return toPage(rows, input.first, toRequest);
  };
}

/** The same for digests, of both directions. */
export function createListDigests(
  shard: Shard,
): (actor: Actor | undefined, input: DigestListArguments) => Promise<Page<DigestRecord>> {
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, requestReaders);
    const { status, direction, recipientExternalId } = input.filter ?? {};
    const own = isMerelyProvider(actor);
    const rows = await shard.run<DigestRow>(listDigests, [
      namespace,
      anyOf(status),
      own ? 'TO_PROVIDER' : (direction ?? null),
      own ? actor.subject : parseExternal('recipientExternalId', recipientExternalId),
      decodeIdCursor(input.after),
      input.first + 1,
    ]);
    return toPage(rows, input.first, toDigest);
  };
}

/** The same for providers, or for customers. */
export function createListRecipients(
  shard: Shard,
  kind: RecipientRecord['kind'],
): (actor: Actor | undefined, input: RecipientListArguments) => Promise<Page<RecipientRecord>> {
  return async (actor, input) => {
    const namespace = parseName('namespace', input.namespace);
    requireRole(actor, namespace, digestReaders);
    const rows = await shard.run<RecipientRow>(listRecipients, [
      namespace,
      kind,
      input.stopped ?? false,
      decodeIdCursor(input.after),
      input.first + 1,
    ]);
    return toPage(rows, input.first, toRecipient);
  };
}

function parseExternal(name: string, value: string | null | undefined): string | null {
  return value == null ? null : parseText(`filter.${name}`, value, { charactersMax: limits.textCharacters });
}

function anyOf<Value>(values: readonly Value[] | null | undefined): readonly Value[] | null {
  return values == null || values.length === 0 ? null : values;
}

function toPage<Row extends { readonly id: string }, Node>(
  rows: readonly Row[],
  first: number,
  convert: (row: Row) => Node,
): Page<Node> {
  return {
    edges: rows.slice(0, first).map((row) => ({ cursor: encodeIdCursor(row.id), node: convert(row) })),
    hasNextPage: rows.length > first,
  };
}
