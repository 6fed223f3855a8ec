import type { Actor } from '../domain/actor.ts';
import type { Services } from '../services.ts';

/** What every resolver is given: one for each operation, and for a subscription one for its whole life. */
export interface RequestContext {
  /** Who asks; undefined when the request carried no token. */
  readonly actor: Actor | undefined;
  /** Names the request in the log and in `INTERNAL` errors. */
  readonly requestId: string;
  /** Aborted when the client went away before the answer, or gave its subscription up. */
  readonly signal: AbortSignal;
  readonly services: Services;
}

/** The context of one operation. Its signal is made when it is first asked for, which most operations never do. */
export class OperationContext implements RequestContext {
  readonly actor: Actor | undefined;
  readonly requestId: string;
  readonly services: Services;
  /** W3C trace context that the client sent. */
  readonly traceparent: string | undefined;
  #controller: AbortController | undefined;
  #abandoned = false;

  constructor(actor: Actor | undefined, requestId: string, services: Services, traceparent?: string) {
    this.actor = actor;
    this.requestId = requestId;
    this.services = services;
    this.traceparent = traceparent;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abandoned) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Nobody waits for the answer any more. May be called more than once. */
  abandon(): void {
    this.#abandoned = true;
    this.#controller?.abort();
  }
}
