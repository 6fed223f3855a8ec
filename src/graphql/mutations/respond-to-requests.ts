import type { ResponseResult } from '../../digests/respond.ts';
import type { RequestRecord, RequestStatus } from '../../domain/digest.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { RequestOutcomeEnum, RequestRef, RequestStatusEnum } from '../types/digest-refs.ts';
import { Refused } from '../types/problems.ts';

interface RequestAnsweredShape {
  readonly kind: 'RequestAnswered';
  readonly request: RequestRecord;
}

const RequestAnswered = builder.objectRef<RequestAnsweredShape>('RequestAnswered').implement({
  description: 'The answer is in the record; the customer is told by a digest.',
  fields: (t) => ({ request: t.expose('request', { type: RequestRef }) }),
});

interface AlreadyAnsweredShape extends ProblemShape {
  readonly kind: 'RequestAlreadyAnswered';
  readonly request: RequestRecord;
}

const RequestAlreadyAnswered = builder.objectRef<AlreadyAnsweredShape>('RequestAlreadyAnswered').implement({
  interfaces: [Problem],
  description: 'Another answer was given before, and stands.',
  fields: (t) => ({ request: t.expose('request', { type: RequestRef }) }),
});

export interface RequestOverShape extends ProblemShape {
  readonly kind: 'RequestOver';
  readonly status: RequestStatus;
}

export const RequestOver = builder.objectRef<RequestOverShape>('RequestOver').implement({
  interfaces: [Problem],
  description: 'Nobody waits for this request any more. Nothing was changed.',
  fields: (t) => ({ status: t.expose('status', { type: RequestStatusEnum }) }),
});

export function requestOver(status: RequestStatus): RequestOverShape {
  return {
    kind: 'RequestOver',
    code: 'REQUEST_OVER',
    message: `This request is ${status.toLowerCase().replaceAll('_', ' ')}`,
    retryable: false,
    status,
  };
}

interface RequestUnknownShape extends ProblemShape {
  readonly kind: 'RequestUnknown';
  readonly requestId: string;
}

const RequestUnknown = builder.objectRef<RequestUnknownShape>('RequestUnknown').implement({
  interfaces: [Problem],
  description: 'There is no such request, or not for this provider.',
  fields: (t) => ({ requestId: t.exposeID('requestId') }),
});

interface ResponseNotTakenShape extends ProblemShape {
  readonly kind: 'ResponseNotTaken';
  readonly requestId: string;
}

const ResponseNotTaken = builder.objectRef<ResponseNotTakenShape>('ResponseNotTaken').implement({
  interfaces: [Problem],
  description: 'The customer’s window was just ending; send this answer again.',
  fields: (t) => ({ requestId: t.exposeID('requestId') }),
});

type Shape =
  | RequestAnsweredShape
  | AlreadyAnsweredShape
  | RequestOverShape
  | RequestUnknownShape
  | ResponseNotTakenShape;

const ResponseResultUnion = builder.unionType('ResponseResult', {
  types: [RequestAnswered, RequestAlreadyAnswered, RequestOver, RequestUnknown, ResponseNotTaken],
  resolveType: (value) => (value as Shape).kind,
});

function toShape(result: ResponseResult): Shape {
  const refusal = { retryable: false } as const;
  switch (result.kind) {
    case 'answered':
      return { kind: 'RequestAnswered', request: result.request };
    case 'alreadyAnswered':
      return {
        ...refusal,
        kind: 'RequestAlreadyAnswered',
        code: 'ALREADY_ANSWERED',
        message: 'Another answer was given before',
        request: result.request,
      };
    case 'requestOver':
      return requestOver(result.status);
    case 'requestUnknown':
      return {
        ...refusal,
        kind: 'RequestUnknown',
        code: 'REQUEST_UNKNOWN',
        message: 'There is no such request',
        requestId: result.requestId,
      };
    case 'tryAgain':
      return {
        kind: 'ResponseNotTaken',
        code: 'RESPONSE_NOT_TAKEN',
        message: 'The window of the customer was just ending; send this answer again',
        retryable: true,
        retryAfterMs: 100,
        requestId: result.requestId,
      };
  }
}

const ResponsesTaken = builder.objectRef<{ readonly results: readonly ResponseResult[] }>('ResponsesTaken').implement({
  fields: (t) => ({
    results: t.field({
      type: [ResponseResultUnion],
      description: 'In the order of the input.',
      complexity: { field: 1, multiplier: 10 },
      resolve: (taken) => taken.results.map(toShape),
    }),
  }),
});

const RespondResult = builder.unionType('RespondResult', {
  types: [ResponsesTaken, Refused],
  resolveType: () => 'ResponsesTaken',
});

const ResponseInput = builder.inputType('ResponseInput', {
  fields: (t) => ({
    requestId: t.id({ required: true }),
    outcome: t.field({ type: RequestOutcomeEnum, required: true }),
    note: t.string({ description: 'For the customer; at most 2,000 characters.' }),
  }),
});

const RespondInput = builder.inputType('RespondInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    responses: t.field({ type: [ResponseInput], required: true, description: '1 to 500.' }),
  }),
});

builder.mutationField('respondToRequests', (t) =>
  t.field({
    type: RespondResult,
    description: 'Answers requests, each by itself. A provider answers its own.',
    authScopes: { roles: ['provider', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: RespondInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      results: await services.respondToRequests(actor, input),
    }),
  }),
);
