import type { MsgHdrs } from 'nats';

/** W3C trace context, so that a trace goes on where a message is worked on. */
export const traceHeader = 'traceparent';

const tracePattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Adds the trace context of the request behind a message. It comes from a client, so one that is not well-formed is left out. */
export function appendTrace(fields: MsgHdrs, traceparent: string | undefined): void {
  if (traceparent !== undefined && tracePattern.test(traceparent)) fields.append(traceHeader, traceparent);
}
