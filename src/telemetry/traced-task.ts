import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { contextOf } from './traceparent.ts';

export interface TracedTask {
  readonly kind: string;
  readonly taskId: string;
  readonly jobId: string;
  readonly namespace: string;
  readonly attempt: number;
  /** Of the request that created it. */
  readonly traceparent: string | null;
}

/** Runs an attempt as a part of the trace in which its task was created. Without tracing it just runs. */
export function traceTask<Verdict extends { readonly kind: string; readonly error?: string } | undefined>(
  task: TracedTask,
  run: () => Promise<Verdict>,
): Promise<Verdict> {
  return trace.getTracer('caseload').startActiveSpan(
    `task ${task.kind}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        'messaging.system': 'caseload',
        'messaging.operation.type': 'process',
        'messaging.destination.name': task.kind,
        'messaging.message.id': task.taskId,
        'messaging.message.conversation_id': task.jobId,
        'caseload.namespace': task.namespace,
        'caseload.attempt': task.attempt,
      },
    },
    contextOf(task.traceparent),
    async (span) => {
      try {
        const verdict = await run();
        span.setAttribute('caseload.outcome', verdict?.kind ?? 'LOST');
        if (verdict?.kind !== 'SUCCEEDED')
          span.setStatus({ code: SpanStatusCode.ERROR, message: verdict?.error ?? 'the lease was lost' });
        return verdict;
      } finally {
        span.end();
      }
    },
  );
}
