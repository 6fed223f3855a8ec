/**
 * What KEDA's `nats-jetstream` scaler does, told from its documentation and from what its source was seen to do: asks
 * any server for the account's streams and consumers, finds the consumer's leader, asks that server by its name, and
 * takes pending plus ack-pending. Without a leader or a consumer it knows nothing, which is an error and never zero.
 */

export interface Trigger {
  readonly type: string;
  readonly name: string;
  readonly metadata: {
    readonly natsServerMonitoringEndpoint: string;
    readonly account: string;
    readonly stream: string;
    readonly consumer: string;
    readonly lagThreshold: string;
  };
}

export interface ScaledObject {
  readonly spec: {
    readonly minReplicaCount: number;
    readonly maxReplicaCount: number;
    readonly cooldownPeriod: number;
    readonly fallback: { readonly replicas: number; readonly behavior: string };
    readonly advanced: {
      readonly scalingModifiers: {
        readonly formula: string;
        readonly target: string;
        readonly activationTarget: string;
      };
    };
    readonly triggers: readonly Trigger[];
  };
}

interface ConsumerPage {
  readonly name: string;
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly cluster?: { readonly leader?: string };
}

interface JetStreamPage {
  readonly account_details?: readonly {
    readonly name: string;
    readonly stream_detail?: readonly { readonly name: string; readonly consumer_detail?: readonly ConsumerPage[] }[];
  }[];
}

/** Stands for the names of the cluster, which do not resolve here. */
export interface Names {
  /** The address of the headless service (some server that is there), or of one server by the first label of its host. */
  readonly resolve: (server?: string) => string;
  /** The host of a route, which here is a port of the loopback interface. */
  readonly hostOf: (route: string) => string;
}

/** @throws Error when it cannot be known */
export async function readLag(trigger: Trigger, names: Names): Promise<number> {
  const leader = await readLeader(trigger, names);
  const { metadata } = trigger;
  const consumer = findConsumer(await askServer(names.resolve(leader), metadata), metadata);
  return consumer.num_pending + consumer.num_ack_pending;
}

/**
 * The server whose numbers are right.
 * @throws Error when there is none, or none of that name
 */
export async function readLeader({ metadata }: Trigger, names: Names): Promise<string> {
  const found = findConsumer(await askServer(names.resolve(), metadata), metadata);
  const leader = found.cluster?.leader ?? '';
  if (!(await readServerNames(names)).includes(leader))
    throw new Error(`leader node not found for consumer ${metadata.consumer}`);
  return leader;
}

/** How many replicas a sum asks for, by the rule of the autoscaler, and from zero by the activation. */
export function countReplicas({ spec }: ScaledObject, lags: ReadonlyMap<string, number>): number {
  const { formula, target, activationTarget } = spec.advanced.scalingModifiers;
  let sum = 0;
  for (const name of formula.split('+').map((part) => part.trim())) {
    const lag = lags.get(name);
    if (lag === undefined) throw new Error(`the formula names ${name}, which is no trigger`);
    sum += lag;
  }
  if (sum <= Number(activationTarget) && spec.minReplicaCount === 0) return 0;
  return Math.min(spec.maxReplicaCount, Math.max(1, spec.minReplicaCount, Math.ceil(sum / Number(target))));
}

async function askServer(address: string, { account }: Trigger['metadata']): Promise<JetStreamPage> {
  const query = new URLSearchParams({ acc: account, consumers: 'true', config: 'true' });
  const answer = await fetch(`${address}/jsz?${query}`, { signal: AbortSignal.timeout(3_000) });
  return (await answer.json()) as JetStreamPage;
}

function findConsumer(page: JetStreamPage, { account, stream, consumer }: Trigger['metadata']): ConsumerPage {
  const found = page.account_details
    ?.find(({ name }) => name === account)
    ?.stream_detail?.find(({ name }) => name === stream)
    ?.consumer_detail?.find(({ name }) => name === consumer);
  if (found === undefined) throw new Error(`consumer ${consumer} of ${stream} not found`);
  return found;
}

/** The first labels of the hosts that a server knows of: its routes, because it advertises none. */
async function readServerNames({ resolve, hostOf }: Names): Promise<readonly string[]> {
  const answer = await fetch(`${resolve()}/varz`, { signal: AbortSignal.timeout(3_000) });
  const { connect_urls: advertised, cluster } = (await answer.json()) as {
    readonly connect_urls?: readonly string[];
    readonly cluster: { readonly urls?: readonly string[] };
  };
  if (advertised !== undefined && advertised.length > 0) return advertised.map((url) => url.split(':')[0]!);
  return (cluster.urls ?? []).map((url) => hostOf(url).split('.')[0]!);
}
