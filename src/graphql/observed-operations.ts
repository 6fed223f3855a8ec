import type { OperationDefinitionNode } from 'graphql';
import { Kind } from 'graphql';
import type { OperationResult } from './fault-format.ts';
import type { Operations } from './operations.ts';

/**
 * Told of an operation that is over.
 * @param name the field that it asked for; `several` or `fragment` where that is not one. Taken from the schema, never
 * from what a client chose, so there are not many
 * @param outcome `ok`, or the code of the first fault
 */
export type ObserveOperation = (name: string, outcome: string, seconds: number) => void;

/** Watches how long operations take and how they end. A subscription is watched until it is open. */
export function observeOperations(operations: Operations, observe: ObserveOperation | undefined): Operations {
  if (observe === undefined) return operations;
  return {
    schema: operations.schema,
    get subscriptionCount() {
      return operations.subscriptionCount;
    },
    plan: (parameters, requestId) => operations.plan(parameters, requestId),
    run(plan, context) {
      const startedAt = performance.now();
      const tell = (result: OperationResult): OperationResult => {
        observe(nameOf(plan.operation.node), outcomeOf(result), (performance.now() - startedAt) / 1_000);
        return result;
      };
      const result = operations.run(plan, context);
      return result instanceof Promise ? result.then(tell) : tell(result);
    },
    async subscribe(plan, context) {
      const startedAt = performance.now();
      const result = await operations.subscribe(plan, context);
      const outcome = 'end' in result ? 'ok' : outcomeOf(result);
      observe(nameOf(plan.operation.node), outcome, (performance.now() - startedAt) / 1_000);
      return result;
    },
  };
}

function nameOf({ selectionSet: { selections } }: OperationDefinitionNode): string {
  if (selections.length !== 1) return 'several';
  const selection = selections[0]!;
  return selection.kind === Kind.FIELD ? selection.name.value : 'fragment';
}

function outcomeOf({ errors }: OperationResult): string {
  return errors?.[0]?.extensions.code ?? 'ok';
}
