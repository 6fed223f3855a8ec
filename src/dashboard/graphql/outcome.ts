import type { AnyVariables, TypedDocumentNode } from '@urql/preact';
import { useClient } from '@urql/preact';
import { explain, explainProblem } from './client.ts';

type Answer<Data> = Data[keyof Data];
type NameOf<Result> = Result extends { readonly __typename: infer Name extends string } ? Name : never;

/** What became of a mutation: the result that was wanted, or why there is none, in words for people. */
export type Outcome<Result> =
  | { readonly done: Result; readonly fault?: undefined }
  | { readonly done?: undefined; readonly fault: string };

/**
 * Sends a mutation of one field. Every other member of its union is a refusal, and is said as one.
 * @param wanted the member that means that it was done
 */
export type Perform = <Data extends object, Variables extends AnyVariables, Name extends NameOf<Answer<Data>>>(
  mutation: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  wanted: Name,
) => Promise<Outcome<Extract<Answer<Data>, { readonly __typename: Name }>>>;

export function usePerform(): Perform {
  const client = useClient();
  return async (mutation, variables, wanted) => {
    const { data, error } = await client.mutation(mutation, variables).toPromise();
    if (error !== undefined) return { fault: explain(error) };
    const [answer] = Object.values(data ?? {}) as readonly { readonly __typename: string; readonly message?: string }[];
    // The name is what tells the members of a union apart, so it is this one.
    if (answer?.__typename === wanted) return { done: answer as never };
    return {
      fault: answer?.message === undefined ? 'The gateway refused.' : explainProblem({ message: answer.message }),
    };
  };
}
