import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { DestinationStream, Logger } from 'pino';
import { pino } from 'pino';
import { serializeError, withoutAddresses } from './log-privacy.ts';

export type { Logger };

/**
 * JSON lines on standard error (standard output belongs to what a command prints), with the trace that they belong to
 * where there is one, and without what people wrote.
 * @param destination takes the lines instead
 */
export function createLogger(name: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      name,
      level,
      base: { name },
      redact: { paths: ['authorization', '*.authorization', 'token', '*.token'], remove: true },
      serializers: { err: serializeError },
      mixin: readTrace,
      hooks: { streamWrite: withoutAddresses },
    },
    destination ?? pino.destination({ fd: 2, sync: false }),
  );
}

function readTrace(): object {
  const context = trace.getActiveSpan()?.spanContext();
  return context !== undefined && isSpanContextValid(context)
    ? { traceId: context.traceId, spanId: context.spanId }
    : {};
}
