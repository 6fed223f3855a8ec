import type { InspectedCase, InspectedItem } from './read-case.ts';
import type { InspectedTickets } from './read-ticket.ts';

/** A case for a person: what it is, who holds it, whose turn stands for it, what happened. */
export function describeCase(inspected: InspectedCase, tickets: InspectedTickets | undefined): string {
  const { case: record, topic, status, item, documents, events, moreEvents } = inspected;
  const { applicant, decision } = record;
  const lines: [string, string][] = [
    ['case', record.id],
    ['status', status],
    ['topic', `${record.namespace} / ${topic?.name ?? `number ${record.topicId}`}`],
    ['priority', String(record.priority)],
    ['applicant', `${applicant.name} <${applicant.email}>`],
    ['registered', `${time(record.registeredAt)} by ${record.registrant}`],
    ...(record.region === null ? [] : [['region', record.region] as [string, string]]),
    ...Object.entries(applicant.details ?? {}).map(([name, value]): [string, string] => [
      `  ${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
    [
      'decision',
      decision === null ? 'none' : `${decision.verdict} by ${decision.decidedBy}, ${time(decision.decidedAt)}`,
    ],
    ...(decision?.reason == null ? [] : [['  reason', decision.reason] as [string, string]]),
    ['row', describeItem(item)],
    ['lease', describeLease(item)],
    ['ticket', describeTicket(inspected, tickets)],
  ];
  const width = Math.max(...lines.map(([name]) => name.length)) + 2;
  return [
    ...lines.map(([name, value]) => `${name.padEnd(width)}${value}`),
    '',
    `documents (${documents.length})`,
    ...documents.map(
      ({ kind, fileName, contentType, sizeBytes, sha256, id }) =>
        `  ${kind}: ${fileName}, ${contentType}, ${sizeBytes} bytes\n    id ${id}, sha256 ${sha256}`,
    ),
    '',
    `events (${events.length}${moreEvents ? ', and more' : ''})`,
    ...events.map(({ at, type, actor, attempt, leaseExpiresAt, reason }) =>
      [
        `  ${time(at)}  ${type.padEnd(14)} ${actor}`,
        attempt === null ? '' : `, attempt ${attempt}`,
        leaseExpiresAt === null ? '' : `, lease until ${time(leaseExpiresAt)}`,
        reason === null ? '' : `: ${reason}`,
      ].join(''),
    ),
  ].join('\n');
}

function describeItem(item: InspectedItem | null): string {
  if (item === null) return 'none: the case is decided and has left the queue';
  const { state, attempt, deliverAfter, excluded } = item;
  return `${state}, priority ${item.priority}, claimed ${attempt} times, due since ${time(deliverAfter)}, not offered to ${excluded.join(', ')}`;
}

function describeLease(item: InspectedItem | null): string {
  if (item?.lease == null) return 'none';
  const { holder, acquiredAt, expiresAt, alive } = item.lease;
  return `${holder}, from ${time(acquiredAt)} to ${time(expiresAt)}, ${alive ? 'alive' : 'over: the scheduler returns the case'}`;
}

function describeTicket({ item }: InspectedCase, tickets: InspectedTickets | undefined): string {
  if (tickets === undefined)
    return `unknown: NATS cannot be asked${item?.ticket == null ? '' : ` (row: ${item.ticket})`}`;
  const { ofLease, ofTopic } = tickets;
  const turns =
    ofTopic === null
      ? 'the topic has no consumer yet'
      : `the topic has ${ofTopic.fresh + ofTopic.outstanding} tickets, ${ofTopic.outstanding} of them handed out`;
  if (item === null) return `none is needed; ${turns}`;
  if (item.lease === null) return `none of its own until it is claimed; ${turns}`;
  if (ofLease === null) return `none stands for the lease, it was claimed without one; ${turns}`;
  const place = ofLease.inStream
    ? `in the stream since ${ofLease.publishedAt === undefined ? 'an unknown time' : time(ofLease.publishedAt)}`
    : 'no longer in the stream';
  return `${ofLease.stream} sequence ${ofLease.sequence}, consumer ${ofLease.consumer}, delivered ${ofLease.deliveryCount} times, ${place}; ${turns}`;
}

function time(date: Date): string {
  return date.toISOString();
}
