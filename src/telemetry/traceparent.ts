import type { Context } from '@opentelemetry/api';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const nothing = /^0+$/;

/** W3C trace context of what runs now, to go with a task; null when nothing is traced, which costs next to nothing. */
export function currentTraceparent(): string | null {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return null;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

/** The context that a header or a row names, for spans that go on there. What is not well-formed begins a new trace. */
export function contextOf(traceparent: string | null | undefined): Context {
  const match = pattern.exec(traceparent ?? '');
  if (match === null) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] = match;
  if (nothing.test(traceId!) || nothing.test(spanId!)) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16),
    isRemote: true,
  });
}
