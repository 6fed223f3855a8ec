import type { RequestRecord } from '../../domain/digest.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { RequestRef } from '../types/digest-refs.ts';
import type { IdempotencyConflictShape } from '../types/problems.ts';
import { IdempotencyConflict, idempotencyConflict } from '../types/problems.ts';

interface RequestSubmittedShape {
  readonly kind: 'RequestSubmitted';
  readonly request: RequestRecord;
}

const RequestSubmitted = builder.objectRef<RequestSubmittedShape>('RequestSubmitted').implement({
  description: 'The request is in the record, and in the open digest of its provider.',
  fields: (t) => ({ request: t.expose('request', { type: RequestRef }) }),
});

interface UnknownProviderShape extends ProblemShape {
  readonly kind: 'UnknownProvider';
}

const UnknownProvider = builder.objectRef<UnknownProviderShape>('UnknownProvider').implement({
  interfaces: [Problem],
  description: 'There is no such provider. Nothing was submitted.',
});

type Shape = RequestSubmittedShape | UnknownProviderShape | IdempotencyConflictShape;

const SubmitRequestResult = builder.unionType('SubmitRequestResult', {
  types: [RequestSubmitted, UnknownProvider, IdempotencyConflict],
  resolveType: (value) => (value as Shape).kind,
});

const CustomerInput = builder.inputType('RequestCustomerInput', {
  fields: (t) => ({
    externalId: t.string({ required: true, description: 'Its name in your own records.' }),
    email: t.string({ required: true }),
    name: t.string(),
    timeZone: t.string({ description: 'In which days are counted. What is known of the customer, else UTC.' }),
  }),
});

const ItemInput = builder.inputType('RequestItemInput', {
  fields: (t) => ({
    externalId: t.string({ required: true }),
    description: t.string({ description: 'At most 500 characters.' }),
    quantity: t.int({ defaultValue: 1 }),
  }),
});

const SubmitRequestInput = builder.inputType('SubmitRequestInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    customer: t.field({ type: CustomerInput, required: true }),
    providerExternalId: t.string({ required: true }),
    item: t.field({ type: ItemInput, required: true }),
    answerWithinDays: t.int({ defaultValue: 3, description: '1 to 365. Then it is followed up.' }),
    idempotencyKey: t.string({ description: 'The same key and input give the first result again.' }),
  }),
});

builder.mutationField('submitRequest', (t) =>
  t.field({
    type: SubmitRequestResult,
    description: 'Submits a request. Its provider gets it with all others of the same window, in one mail.',
    authScopes: { roles: ['producer', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: SubmitRequestInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.submitRequest(actor, input);
      if (result.kind === 'submitted') return { kind: 'RequestSubmitted', request: result.request };
      if (result.kind === 'idempotencyConflict') return idempotencyConflict();
      return {
        kind: 'UnknownProvider',
        code: 'UNKNOWN_PROVIDER',
        message: `There is no provider '${result.externalId}'`,
        retryable: false,
      };
    },
  }),
);
