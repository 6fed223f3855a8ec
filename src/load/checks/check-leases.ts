import type { Findings } from '../findings.ts';
import type { Ledger, LedgerEvent } from '../ledger.ts';

/** One lease of a case, from the ledger alone. Times in microseconds since the epoch, by the database's clock. */
export interface LeaseSpan {
  readonly caseId: string;
  readonly holder: string;
  readonly attempt: number | null;
  readonly fromMicros: number;
  /** When it ended: by its clock, a release or a decision. */
  untilMicros: number;
  endedBy: 'clock' | 'release' | 'decision';
  /** The event that ended it is in the ledger. */
  closed: boolean;
}

/** What the ledger says of one case. */
export interface CaseTrail {
  readonly caseId: string;
  readonly events: readonly LedgerEvent[];
  readonly registered: LedgerEvent | undefined;
  readonly spans: readonly LeaseSpan[];
  readonly decision: LedgerEvent | undefined;
}

/** The system clock may be set by less than this between two steps of a case. */
const clockSlackMicros = 1_000;

/**
 * Follows each case through the ledger: at most one live lease at any moment of database time, attempts that count up
 * one by one, steps only by the live lease's holder, one decision and nothing after it.
 * @returns what the ledger says of each case, for the other checks
 */
export function checkLeases(ledger: Ledger, findings: Findings): ReadonlyMap<string, CaseTrail> {
  const trails = new Map<string, CaseTrail>();
  const byCase = Map.groupBy(ledger.events, (event) => event.caseId);
  for (const [caseId, events] of byCase) {
    events.sort((a, b) => a.sequence - b.sequence);
    trails.set(caseId, new TrailReader(caseId, events, findings).read());
  }
  return trails;
}

class TrailReader {
  readonly #caseId: string;
  readonly #events: readonly LedgerEvent[];
  readonly #findings: Findings;
  readonly #spans: LeaseSpan[] = [];
  #registered: LedgerEvent | undefined;
  #decision: LedgerEvent | undefined;
  #live: LeaseSpan | undefined;
  #attempt = 0;

  constructor(caseId: string, events: readonly LedgerEvent[], findings: Findings) {
    this.#caseId = caseId;
    this.#events = events;
    this.#findings = findings;
  }

  read(): CaseTrail {
    let last = Number.NEGATIVE_INFINITY;
    for (const event of this.#events) {
      if (event.atMicros < last - clockSlackMicros) {
        this.#findings.add(
          'time went back',
          this.#caseId,
          `${describe(event)} is ${last - event.atMicros} µs before the step before it`,
        );
      }
      last = Math.max(last, event.atMicros);
      this.#follow(event);
    }
    if (this.#registered === undefined)
      this.#findings.add('record contradicts itself', this.#caseId, 'has events but was never registered');
    return {
      caseId: this.#caseId,
      events: this.#events,
      registered: this.#registered,
      spans: this.#spans,
      decision: this.#decision,
    };
  }

  #follow(event: LedgerEvent): void {
    const deciding = event.type === 'APPROVED' || event.type === 'REJECTED';
    if (this.#decision !== undefined) {
      this.#findings.add(
        deciding ? 'decided twice' : 'acted without a live lease',
        this.#caseId,
        `${describe(event)} after ${describe(this.#decision)}`,
      );
      return;
    }
    if (event.type === 'REGISTERED') this.#register(event);
    else if (event.type === 'CLAIMED') this.#claim(event);
    else if (event.type === 'LEASE_EXPIRED') this.#expire(event);
    else {
      const span = this.#requireLive(event);
      if (event.type === 'LEASE_EXTENDED') {
        if (span !== undefined) span.untilMicros = event.leaseExpiresAtMicros ?? span.untilMicros;
      } else this.#close(span, event, deciding ? 'decision' : 'release');
      if (deciding) this.#decision = event;
    }
  }

  #register(event: LedgerEvent): void {
    if (this.#registered !== undefined)
      this.#findings.add('record contradicts itself', this.#caseId, `${describe(event)} a second time`);
    this.#registered = event;
  }

  #claim(event: LedgerEvent): void {
    if (event.attempt !== this.#attempt + 1) {
      this.#findings.add('attempt out of order', this.#caseId, `${describe(event)} follows attempt ${this.#attempt}`);
    }
    this.#attempt = event.attempt ?? this.#attempt;
    const live = this.#live;
    if (live !== undefined && event.atMicros < live.untilMicros) {
      const left = Math.round((live.untilMicros - event.atMicros) / 1_000);
      this.#findings.add(
        'held by two at once',
        this.#caseId,
        `${describe(event)} while ${live.holder} held it for another ${left} ms`,
      );
    }
    const span: LeaseSpan = {
      caseId: this.#caseId,
      holder: event.actor,
      attempt: event.attempt,
      fromMicros: event.atMicros,
      untilMicros: event.leaseExpiresAtMicros ?? Number.POSITIVE_INFINITY,
      endedBy: 'clock',
      closed: false,
    };
    this.#spans.push(span);
    this.#live = span;
  }

  #expire(event: LedgerEvent): void {
    const live = this.#live;
    this.#live = undefined;
    if (live === undefined || live.holder !== event.actor || live.attempt !== event.attempt) {
      this.#findings.add('record contradicts itself', this.#caseId, `${describe(event)} ends no lease that was alive`);
      return;
    }
    live.closed = true;
    if (event.atMicros < live.untilMicros) {
      this.#findings.add(
        'lease ended early',
        this.#caseId,
        `${describe(event)} ${Math.round((live.untilMicros - event.atMicros) / 1_000)} ms before its end`,
      );
    }
  }

  /** Extending, releasing and deciding are the live lease's holder's alone, before its end. */
  #requireLive(event: LedgerEvent): LeaseSpan | undefined {
    const live = this.#live;
    if (live === undefined || live.holder !== event.actor || live.attempt !== event.attempt) {
      const holder = live === undefined ? 'nobody held it' : `${live.holder} held it (attempt ${live.attempt})`;
      this.#findings.add('acted without a live lease', this.#caseId, `${describe(event)} while ${holder}`);
      return undefined;
    }
    if (event.atMicros > live.untilMicros + clockSlackMicros) {
      this.#findings.add(
        'acted without a live lease',
        this.#caseId,
        `${describe(event)} ${Math.round((event.atMicros - live.untilMicros) / 1_000)} ms after its lease's end`,
      );
    }
    return live;
  }

  #close(span: LeaseSpan | undefined, event: LedgerEvent, endedBy: LeaseSpan['endedBy']): void {
    this.#live = undefined;
    if (span === undefined) return;
    span.untilMicros = Math.min(span.untilMicros, event.atMicros);
    span.endedBy = endedBy;
    span.closed = true;
  }
}

export function describe(event: LedgerEvent): string {
  return `${event.type} by ${event.actor}${event.attempt === null ? '' : ` (attempt ${event.attempt})`}`;
}
