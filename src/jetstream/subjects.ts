import { isName } from '../domain/names.ts';
import type { System } from '../domain/topic.ts';
import { systems } from '../domain/topic.ts';

/**
 * Every subject and every name that Caseload uses in NATS, built and read here only.
 * Parts that come from clients are checked again before they go into a subject: a `*`, `>` or `.` in one of them would
 * reach other tenants' messages.
 */

export const eventsStream = 'EVENTS';

/** A topic by the names that subjects are made of. Each shard that has a part of it has tickets of its own. */
export interface TopicName {
  readonly system: System;
  readonly namespace: string;
  readonly topic: string;
  /** 0 when it is left out. */
  readonly shard?: number | undefined;
}

/** Where something happened. `system` is open (digests have events, but no tickets). */
export interface EventTopic {
  readonly system: string;
  readonly namespace: string;
  readonly topic: string;
}

/** The work-queue stream of a system: `CASES`, `TASKS`, `QUEUE`. */
export function streamOf(system: System): string {
  return system.toUpperCase();
}

/** `cases.acme.kyc`: where the tickets of a topic on shard 0 are published; `cases.acme.kyc.3` for those of shard 3. */
export function ticketSubject({ system, namespace, topic, shard }: TopicName): string {
  return `${system}.${part(namespace)}.${part(topic)}${shardSuffix('.', shard)}`;
}

export function parseTicketSubject(subject: string): TopicName | undefined {
  const [system, namespace, topic, shard, ...rest] = subject.split('.');
  if (!isSystem(system) || !isPart(namespace) || !isPart(topic) || rest.length > 0) return undefined;
  if (shard === undefined) return { system, namespace, topic };
  return laterShardPattern.test(shard) ? { system, namespace, topic, shard: Number(shard) } : undefined;
}

/** `acme_kyc`, or `acme_kyc_3` on shard 3: a topic's durable consumer. Names have no `_`, so it separates without doubt. */
export function consumerName({ namespace, topic, shard }: Omit<TopicName, 'system'>): string {
  return `${part(namespace)}_${part(topic)}${shardSuffix('_', shard)}`;
}

export function parseConsumerName(name: string): Omit<TopicName, 'system'> | undefined {
  const [namespace, topic, shard, ...rest] = name.split('_');
  if (!isPart(namespace) || !isPart(topic) || rest.length > 0) return undefined;
  if (shard === undefined) return { namespace, topic };
  return laterShardPattern.test(shard) ? { namespace, topic, shard: Number(shard) } : undefined;
}

/** `events.cases.acme.kyc`: what happened on a topic. */
export function eventSubject({ system, namespace, topic }: EventTopic): string {
  return `events.${part(system)}.${part(namespace)}.${part(topic)}`;
}

/** The subjects of all events, of one system, of one namespace of it, or of one topic: what is left out matches anything. */
export function eventFilter({ system, namespace, topic }: Partial<EventTopic> = {}): string {
  return `events.${anyOr(system)}.${anyOr(namespace)}.${anyOr(topic)}`;
}

export function parseEventSubject(subject: string): EventTopic | undefined {
  const [events, system, namespace, topic, ...rest] = subject.split('.');
  if (events !== 'events' || !isPart(system) || !isPart(namespace) || !isPart(topic) || rest.length > 0)
    return undefined;
  return { system, namespace, topic };
}

/** A topic on one shard. */
export interface ShardTopic extends TopicName {
  readonly shard: number;
}

/** `caseload.head.0.cases.acme.kyc`: says that the head of a topic on a shard has moved forward. Core NATS, never stored. */
export function headSubject({ shard, system, namespace, topic }: ShardTopic): string {
  return `caseload.head.${shardPart(shard)}.${system}.${part(namespace)}.${part(topic)}`;
}

/** The hints of one shard, or of all. */
export function headFilter(shard?: number): string {
  return `caseload.head.${shard === undefined ? '*' : shardPart(shard)}.*.*.*`;
}

export function parseHeadSubject(subject: string): ShardTopic | undefined {
  const [caseload, head, shard, ...topic] = subject.split('.');
  const name = parseTicketSubject(topic.join('.'));
  if (
    caseload !== 'caseload' ||
    head !== 'head' ||
    shard === undefined ||
    !/^\d{1,4}$/.test(shard) ||
    name === undefined ||
    name.shard !== undefined
  )
    return undefined;
  return { ...name, shard: Number(shard) };
}

/** `caseload.traffic.queue.acme.thumbnails`: how many items of a topic passed; `*` for every topic. Core NATS, never stored. */
export function trafficSubject(namespace: string, topic: string): string {
  return `caseload.traffic.queue.${part(namespace)}.${topic === '*' ? topic : part(topic)}`;
}

/** `caseload.wake.relay.0`: says that a shard has events to relay. Core NATS, never stored. */
export function relayWakeSubject(shard: number): string {
  return `caseload.wake.relay.${shardPart(shard)}`;
}

export function relayWakeFilter(): string {
  return 'caseload.wake.relay.*';
}

/** The shard that `relayWakeSubject` named. */
export function parseRelayWakeSubject(subject: string): number | undefined {
  const shard = /^caseload\.wake\.relay\.(\d{1,4})$/.exec(subject)?.[1];
  return shard === undefined ? undefined : Number(shard);
}

/** `caseload.head-of-events.0`: the place of the last event that a shard's relay published. Core NATS, never stored. */
export function relayHeadSubject(shard: number): string {
  return `caseload.head-of-events.${shardPart(shard)}`;
}

export function relayHeadFilter(): string {
  return 'caseload.head-of-events.*';
}

function anyOr(value: string | undefined): string {
  return value === undefined ? '*' : part(value);
}

function part(value: string): string {
  if (!isName(value)) throw new RangeError(`'${value}' cannot be a part of a NATS subject`);
  return value;
}

/** Any shard but the first, whose subjects and consumers have no number. */
const laterShardPattern = /^[1-9]\d{0,3}$/;

function shardSuffix(separator: string, shard: number | undefined): string {
  return shard === undefined || shard === 0 ? '' : `${separator}${shardPart(shard)}`;
}

function shardPart(shard: number): string {
  if (!Number.isInteger(shard) || shard < 0) throw new RangeError(`${shard} is not a shard's number`);
  return String(shard);
}

function isPart(value: string | undefined): value is string {
  return value !== undefined && isName(value);
}

function isSystem(value: string | undefined): value is System {
  return value !== undefined && (systems as readonly string[]).includes(value);
}
