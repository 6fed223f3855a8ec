import type { Findings } from '../findings.ts';
import type { Disturbance } from '../history.ts';
import type { ItemSpan, ItemTrail } from './item-trails.ts';
import type { QueueHistory, ToldAct, ToldEnqueue } from './queue-history.ts';
import type { QueueLedger } from './queue-ledger.ts';

/** How long after a shard's return all processes have seen it. */
const shardIsBackMs = 5_000;

type Trails = ReadonlyMap<string, ItemTrail>;

/**
 * Compares what clients were told with the record. What was answered `ok` must be there, under the very token; what was
 * answered `fail` must not; `unknown` may be either. One idempotency key has one effect, on all shards together.
 */
export function checkQueueAnswers(
  history: QueueHistory,
  ledger: QueueLedger,
  trails: Trails,
  findings: Findings,
): void {
  checkKeys(history, ledger, trails, findings);
  const tokens = checkDeliveries(history, trails, findings);
  checkActs(history.acts, trails, tokens, findings);
  checkEnds(history, trails, tokens, findings);
}

function checkKeys(history: QueueHistory, ledger: QueueLedger, trails: Trails, findings: Findings): void {
  for (const { key, itemIds } of history.enqueues)
    for (const id of itemIds)
      if (id !== null && trails.get(id)?.enqueued === undefined)
        findings.add('lost', id, `was acknowledged under ${key} and is not in the record`);
  const told = Map.groupBy(history.enqueues, ({ client, key }) => `${client} ${key}`);
  const kept = Map.groupBy(
    ledger.flatMap((shard) => shard.answers),
    ({ client, key }) => `${client} ${key}`,
  );
  const byKey = new Set([...kept.values()].flat().flatMap(({ itemIds }) => itemIds));
  for (const [key, calls] of told) {
    const answers = new Set(calls.filter(({ outcome }) => outcome === 'ok').map(({ itemIds }) => itemIds.join()));
    const places = kept.get(key)?.length ?? 0;
    if (answers.size <= 1 && places <= 1) continue;
    if (mayStandTwice(calls, history.disturbances)) findings.excuse('key had two effects');
    else findings.add('key had two effects', null, `${key} has ${answers.size} answers and stands on ${places} shards`);
  }
  // Every batch of a run has a key: an item that stands under none was made by a batch that was repeated.
  for (const { itemId, enqueued } of trails.values())
    if (enqueued !== undefined && !byKey.has(itemId))
      findings.add('key had two effects', itemId, `${enqueued.actor} enqueued it under no key that is kept`);
}

/**
 * A key's own shard that dies under a request leaves nobody who knows whether that was carried out; sent again while the
 * shard is away, it is carried out on another one. That is so by design, and in the documentation.
 */
function mayStandTwice(calls: readonly ToldEnqueue[], disturbances: readonly Disturbance[]): boolean {
  const fromMs = Math.min(...calls.map(({ startedMs }) => startedMs));
  const toMs = Math.max(...calls.map(({ endedMs }) => endedMs));
  return disturbances.some(
    ({ what, ...away }) => what === 'postgres' && away.fromMs < toMs && fromMs < away.toMs + shardIsBackMs,
  );
}

/** @returns the token of each lease that its holder was told of, by item and attempt */
function checkDeliveries(history: QueueHistory, trails: Trails, findings: Findings): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  for (const { client, deliveries } of history.dequeues) {
    for (const { itemId, attempt, token } of deliveries) {
      const span = trails.get(itemId)?.spans.find((one) => one.attempt === attempt);
      if (span?.holder !== client)
        findings.add('answer contradicts the record', itemId, `${client} got it, but the ledger has no such lease`);
      const place = `${itemId} ${attempt}`;
      if ((tokens.get(place) ?? token) !== token)
        findings.add('held by two at once', itemId, `attempt ${attempt} was given out under two tokens`);
      tokens.set(place, token);
    }
  }
  return tokens;
}

function checkActs(
  acts: readonly ToldAct[],
  trails: Trails,
  tokens: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  for (const { client, verb, outcome, itemId, token } of acts) {
    const trail = trails.get(itemId);
    const span = trail?.spans.find((one) => tokens.get(`${itemId} ${one.attempt}`) === token);
    const done = trail !== undefined && span !== undefined && isDone(trail, span, verb, client);
    if (outcome === 'ok' && !done)
      findings.add(
        'answer contradicts the record',
        itemId,
        `${client} was told that its ${verb} counted: there is none`,
      );
    if (outcome === 'fail' && verb === 'ack' && done)
      findings.add('answer contradicts the record', itemId, `${client} was told of a lost lease: its ack is there`);
  }
}

function isDone({ events }: ItemTrail, { attempt }: ItemSpan, verb: ToldAct['verb'], client: string): boolean {
  const types = { ack: ['ACKED'], nack: ['NACKED', 'DEAD_LETTERED'], extend: ['LEASE_EXTENDED'] }[verb];
  return events.some((event) => types.includes(event.type) && event.actor === client && event.attempt === attempt);
}

/** No item ends under another token than that of its lease, and none whose handler never came to its end. */
function checkEnds(
  { handled }: QueueHistory,
  trails: Trails,
  tokens: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  for (const { itemId, end } of trails.values()) {
    if (end?.type !== 'ACKED') continue;
    const token = tokens.get(`${itemId} ${end.attempt}`);
    if (token === undefined || token !== end.reason)
      findings.add('acted without a live lease', itemId, `ACKED under a token that is not attempt ${end.attempt}'s`);
    if (!handled.has(itemId)) findings.add('lost', itemId, 'was acknowledged and never handled');
  }
}
