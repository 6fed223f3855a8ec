import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { Kind } from 'graphql';
import type { Operations, Plan } from '../graphql/operations.ts';
import { contextOf } from './traceparent.ts';

/** Makes each query and mutation a span, in the trace that its client named. Used only where spans are sent somewhere. */
export function traceOperations(operations: Operations): Operations {
  return {
    schema: operations.schema,
    get subscriptionCount() {
      return operations.subscriptionCount;
    },
    plan: (parameters, requestId) => operations.plan(parameters, requestId),
    subscribe: (plan, context) => operations.subscribe(plan, context),
    run: (plan, context) =>
      trace.getTracer('caseload').startActiveSpan(
        describe(plan),
        {
          kind: SpanKind.SERVER,
          attributes: { 'graphql.operation.type': plan.kind, 'caseload.request_id': context.requestId },
        },
        contextOf(context.traceparent),
        async (span) => {
          try {
            const result = await operations.run(plan, context);
            const [error] = result.errors ?? [];
            if (error !== undefined)
              span.setStatus({ code: SpanStatusCode.ERROR, message: String(error.extensions.code) });
            return result;
          } finally {
            span.end();
          }
        },
      ),
  };
}

/** By the field that is asked for: what a client calls its operation would make a name of each. */
function describe({ kind, operation }: Plan): string {
  const { selections } = operation.node.selectionSet;
  const [first] = selections;
  return selections.length === 1 && first?.kind === Kind.FIELD ? `${kind} ${first.name.value}` : kind;
}
