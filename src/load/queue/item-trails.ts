import type { Findings } from '../findings.ts';
import type { QueueLedgerEvent, ShardLedger } from './queue-ledger.ts';

/** One lease of an item, from the ledger alone. Times in microseconds since the epoch, by the shard's clock. */
export interface ItemSpan {
  readonly holder: string;
  readonly attempt: number | null;
  readonly fromMicros: number;
  /** When it ended: by its clock, an ack or a nack. */
  untilMicros: number;
  endedBy: 'clock' | 'ack' | 'nack';
}

/** What the ledger says of one item. */
export interface ItemTrail {
  readonly itemId: string;
  readonly shard: number;
  readonly events: readonly QueueLedgerEvent[];
  readonly enqueued: QueueLedgerEvent | undefined;
  readonly spans: readonly ItemSpan[];
  /** What took it out of the queue. */
  readonly end: QueueLedgerEvent | undefined;
}

/** The system clock may be set by less than this between two steps of an item. */
const clockSlackMicros = 1_000;
const final: ReadonlySet<string> = new Set(['ACKED', 'EXPIRED', 'PURGED']);

/**
 * Follows each item of a shard through the ledger: at most one live lease at any moment of database time, attempts that
 * count up one by one, steps only under the live lease, nothing after the end.
 */
export function readItemTrails(ledger: ShardLedger, findings: Findings): readonly ItemTrail[] {
  const byItem = Map.groupBy(ledger.events, (event) => event.itemId);
  return [...byItem].map(([itemId, events]) => {
    const ordered = events.toSorted((a, b) => a.sequence - b.sequence);
    return new ItemTrailReader(itemId, ledger.shard, ordered, findings).read();
  });
}

class ItemTrailReader {
  readonly #itemId: string;
  readonly #shard: number;
  readonly #events: readonly QueueLedgerEvent[];
  readonly #findings: Findings;
  readonly #spans: ItemSpan[] = [];
  #enqueued: QueueLedgerEvent | undefined;
  #end: QueueLedgerEvent | undefined;
  #live: ItemSpan | undefined;
  #attempt = 0;

  constructor(itemId: string, shard: number, events: readonly QueueLedgerEvent[], findings: Findings) {
    this.#itemId = itemId;
    this.#shard = shard;
    this.#events = events;
    this.#findings = findings;
  }

  read(): ItemTrail {
    let last = Number.NEGATIVE_INFINITY;
    for (const event of this.#events) {
      if (event.atMicros < last - clockSlackMicros)
        this.#findings.add(
          'time went back',
          this.#itemId,
          `${describe(event)} is ${last - event.atMicros} µs too early`,
        );
      last = Math.max(last, event.atMicros);
      this.#follow(event);
    }
    if (this.#enqueued === undefined)
      this.#findings.add('record contradicts itself', this.#itemId, 'has events but was never enqueued');
    return {
      itemId: this.#itemId,
      shard: this.#shard,
      events: this.#events,
      enqueued: this.#enqueued,
      spans: this.#spans,
      end: this.#end,
    };
  }

  #follow(event: QueueLedgerEvent): void {
    if (this.#end !== undefined) {
      this.#findings.add(
        'acted without a live lease',
        this.#itemId,
        `${describe(event)} after ${describe(this.#end)}, with which it left the queue`,
      );
      return;
    }
    switch (event.type) {
      case 'ENQUEUED':
        if (this.#enqueued !== undefined)
          this.#findings.add('record contradicts itself', this.#itemId, `${describe(event)} a second time`);
        this.#enqueued = event;
        break;
      case 'CLAIMED':
        this.#claim(event);
        break;
      case 'LEASE_EXTENDED': {
        const span = this.#requireLive(event);
        if (span !== undefined) span.untilMicros = event.leaseExpiresAtMicros ?? span.untilMicros;
        break;
      }
      case 'ACKED':
        this.#close(this.#requireLive(event), event, 'ack');
        break;
      case 'NACKED':
        this.#close(this.#requireLive(event), event, 'nack');
        break;
      case 'LEASE_EXPIRED':
        this.#expire(event);
        break;
      case 'DEAD_LETTERED':
        // By the nack of its last attempt, or by the sweeper after the lease of it has ended.
        if (this.#live !== undefined) this.#close(this.#requireLive(event), event, 'nack');
        break;
    }
    if (final.has(event.type)) this.#end = event;
  }

  #claim(event: QueueLedgerEvent): void {
    if (event.attempt !== this.#attempt + 1)
      this.#findings.add('attempt out of order', this.#itemId, `${describe(event)} follows attempt ${this.#attempt}`);
    this.#attempt = event.attempt ?? this.#attempt;
    const live = this.#live;
    if (live !== undefined && event.atMicros < live.untilMicros) {
      const left = Math.round((live.untilMicros - event.atMicros) / 1_000);
      this.#findings.add(
        'held by two at once',
        this.#itemId,
        `${describe(event)} while ${live.holder} held it for another ${left} ms`,
      );
    }
    const span: ItemSpan = {
      holder: event.actor,
      attempt: event.attempt,
      fromMicros: event.atMicros,
      untilMicros: event.leaseExpiresAtMicros ?? Number.POSITIVE_INFINITY,
      endedBy: 'clock',
    };
    this.#spans.push(span);
    this.#live = span;
  }

  #expire(event: QueueLedgerEvent): void {
    const live = this.#live;
    this.#live = undefined;
    if (live === undefined || live.holder !== event.actor || live.attempt !== event.attempt) {
      this.#findings.add('record contradicts itself', this.#itemId, `${describe(event)} ends no lease that was alive`);
    } else if (event.atMicros < live.untilMicros) {
      const left = Math.round((live.untilMicros - event.atMicros) / 1_000);
      this.#findings.add('lease ended early', this.#itemId, `${describe(event)} ${left} ms before its end`);
    }
  }

  /** Extending, acknowledging and giving back are the live lease's holder's alone, before its end. */
  #requireLive(event: QueueLedgerEvent): ItemSpan | undefined {
    const live = this.#live;
    if (live === undefined || live.holder !== event.actor || live.attempt !== event.attempt) {
      const holder = live === undefined ? 'nobody held it' : `${live.holder} held it (attempt ${live.attempt})`;
      this.#findings.add('acted without a live lease', this.#itemId, `${describe(event)} while ${holder}`);
      return undefined;
    }
    if (event.atMicros > live.untilMicros + clockSlackMicros) {
      const late = Math.round((event.atMicros - live.untilMicros) / 1_000);
      this.#findings.add('acted without a live lease', this.#itemId, `${describe(event)} ${late} ms after its end`);
    }
    return live;
  }

  #close(span: ItemSpan | undefined, event: QueueLedgerEvent, endedBy: ItemSpan['endedBy']): void {
    this.#live = undefined;
    if (span === undefined) return;
    span.untilMicros = Math.min(span.untilMicros, event.atMicros);
    span.endedBy = endedBy;
  }
}

export function describe(event: QueueLedgerEvent): string {
  return `${event.type} by ${event.actor}${event.attempt === null ? '' : ` (attempt ${event.attempt})`}`;
}
