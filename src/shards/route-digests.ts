import type { DigestReads, ShardDigestServices } from '../digests/services.ts';
import { notFound } from '../domain/errors.ts';
import { isId, shardOf } from '../domain/ids.ts';
import { isName } from '../domain/names.ts';

/** The digests of one shard. */
export interface RoutedDigests {
  readonly number: number;
  readonly services: ShardDigestServices;
}

/** The verbs of requests and digests over all shards: what has an id goes where the id says, the rest to the namespace's home. */
export function routeDigests(
  shards: readonly RoutedDigests[],
  findHome: (namespace: string) => Promise<number | undefined>,
): ShardDigestServices {
  const byNumber = new Map(shards.map(({ number, services }) => [number, services]));
  // What is no id is refused by whichever shard's verb gets it.
  const at = (id: string, what: string): ShardDigestServices => {
    const services = isId(id) ? byNumber.get(shardOf(id)) : shards[0]!.services;
    if (services === undefined) throw notFound(what);
    return services;
  };
  // So is what cannot be a name; a namespace without a home has nothing, wherever one looks.
  const home = async (namespace: string): Promise<ShardDigestServices> => {
    const number = isName(namespace) ? await findHome(namespace) : undefined;
    return byNumber.get(number ?? shards[0]!.number)!;
  };
  return {
    digestStore: routeReads((id, what) => at(id, what).digestStore),
    submitRequest: async (actor, input) => (await home(input.namespace)).submitRequest(actor, input),
    respondToRequests: async (actor, input) => (await home(input.namespace)).respondToRequests(actor, input),
    listRequests: async (actor, input) => (await home(input.namespace)).listRequests(actor, input),
    listDigests: async (actor, input) => (await home(input.namespace)).listDigests(actor, input),
    listProviders: async (actor, input) => (await home(input.namespace)).listProviders(actor, input),
    listCustomers: async (actor, input) => (await home(input.namespace)).listCustomers(actor, input),
    findRequest: async (actor, id) => at(id, 'Request').findRequest(actor, id),
    findDigest: async (actor, id) => at(id, 'Digest').findDigest(actor, id),
    previewDigest: async (actor, id, part) => at(id, 'Digest').previewDigest(actor, id, part),
    digestHistory: async (id, first, after) => at(id, 'Digest').digestHistory(id, first, after),
    flushDigest: async (actor, input) => at(input.digestId, 'Digest').flushDigest(actor, input),
    skipDigest: async (actor, input) => at(input.digestId, 'Digest').skipDigest(actor, input),
    resendDigest: async (actor, input) => at(input.digestId, 'Digest').resendDigest(actor, input),
    pauseDigests: async (actor, input) => at(input.providerId, 'Provider').pauseDigests(actor, input),
    resumeDigests: async (actor, input) => at(input.providerId, 'Provider').resumeDigests(actor, input),
    cancelRequest: async (actor, input) => at(input.requestId, 'Request').cancelRequest(actor, input),
    cancelFollowUp: async (actor, input) => at(input.requestId, 'Request').cancelFollowUp(actor, input),
  };
}

function routeReads(at: (id: string, what: string) => DigestReads): DigestReads {
  return {
    getRequest: async (id) => at(id, 'Request').getRequest(id),
    getDigest: async (id) => at(id, 'Digest').getDigest(id),
    getRecipient: async (id) => at(id, 'Provider').getRecipient(id),
    countsOf: async (recipientId) => at(recipientId, 'Provider').countsOf(recipientId),
    digestOf: async (requestId, kind) => at(requestId, 'Request').digestOf(requestId, kind),
    placesOf: async (requestId) => at(requestId, 'Request').placesOf(requestId),
    mailOf: async (place) => at(place.digestId, 'Digest').mailOf(place),
    itemsOf: async (digestId, part, after, count) => at(digestId, 'Digest').itemsOf(digestId, part, after, count),
  };
}
