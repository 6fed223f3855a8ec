import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import RelayPlugin from '@pothos/plugin-relay';
import type { AuthFailure } from '@pothos/plugin-scope-auth';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Role } from '../domain/actor.ts';
import { hasAnyRole } from '../domain/actor.ts';
import { Fault, forbidden } from '../domain/errors.ts';
import type { RequestContext } from './context.ts';
import type { JsonObject } from './scalars.ts';
import { base64Scalar, dateTimeScalar, jsonScalar } from './scalars.ts';

export interface BuilderTypes {
  Context: RequestContext;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date | string };
    JSON: { Input: JsonObject; Output: unknown };
    Base64: { Input: Uint8Array; Output: Uint8Array };
  };
  AuthScopes: {
    /** Any valid token. */
    authenticated: boolean;
    /** One of these roles, in whatever namespace; the verbs check the namespace. */
    roles: readonly Role[];
  };
  DefaultAuthStrategy: 'all';
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  /** What every connection has beside Relay's own. */
  Connection: { partialShards?: readonly number[] };
}

/**
 * The one schema builder. Output fields are non-null unless they say otherwise. Every root field declares its own
 * `authScopes`; one that forgot would still need a valid token, because the root types ask for one.
 */
export const builder = new SchemaBuilder<BuilderTypes>({
  plugins: [ScopeAuthPlugin, RelayPlugin, ComplexityPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    defaultStrategy: 'all',
    // A subscription is allowed or refused when it starts; the socket or stream ends with its token.
    authorizeOnSubscribe: true,
    authScopes: ({ actor }) => ({
      authenticated: actor !== undefined,
      roles: (wanted) => actor !== undefined && hasAnyRole(actor, wanted),
    }),
    unauthorizedError: (_parent, { actor }, _info, { failure }) =>
      actor === undefined
        ? new Fault('UNAUTHENTICATED', 'A valid token is needed')
        : forbidden(explainFailure(failure)),
  },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    // The size of a page is counted once, at the field that takes `first`.
    edgesFieldOptions: { nullable: { list: false, items: false }, complexity: { field: 0, multiplier: 1 } },
    nodeFieldOptions: { nullable: false },
  },
  // The cost of a document is counted before it runs, see `query-limits.ts`; the plugin only takes the declarations.
  complexity: { disabled: true },
});

function explainFailure(failure: AuthFailure): string {
  const wanted = findWantedRoles(failure);
  return wanted === undefined ? 'This token may not do this' : `One of these roles is needed: ${wanted.join(', ')}`;
}

function findWantedRoles(failure: AuthFailure): readonly Role[] | undefined {
  if ('failures' in failure) {
    for (const part of failure.failures) {
      const wanted = findWantedRoles(part);
      if (wanted !== undefined) return wanted;
    }
  }
  return failure.kind === 'AuthScope' && failure.scope === 'roles' ? (failure.parameter as readonly Role[]) : undefined;
}

builder.addScalarType('DateTime', dateTimeScalar);
builder.addScalarType('JSON', jsonScalar);
builder.addScalarType('Base64', base64Scalar);

builder.queryType({ authScopes: { authenticated: true } });
builder.mutationType({ authScopes: { authenticated: true } });
builder.subscriptionType({ authScopes: { authenticated: true } });

/** What every refusal of normal life tells a client. */
export interface ProblemShape {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | null | undefined;
}

/** The interface that each refusal in a result union implements. */
export const Problem = builder.interfaceRef<ProblemShape>('Problem').implement({
  description: 'A refusal that a client must expect in normal life.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Stable, in capitals, for programs.' }),
    message: t.exposeString('message', { description: 'For people.' }),
    retryable: t.exposeBoolean('retryable', { description: 'Whether the same request may succeed later.' }),
    retryAfterMs: t.exposeInt('retryAfterMs', { nullable: true, description: 'When to try again, in milliseconds.' }),
  }),
});
