import { digestOperators, digestReaders } from '../../digests/access.ts';
import type { DigestActResult, RequestActResult } from '../../digests/operate.ts';
import type { DigestPreview } from '../../digests/preview.ts';
import type { DigestRecord, DigestStatus, RecipientRecord, RequestRecord } from '../../domain/digest.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { CustomerRef, DigestRef, DigestStatusEnum, ProviderRef, RequestRef } from '../types/digest-refs.ts';
import { Refused } from '../types/problems.ts';
import type { RequestOverShape } from './respond-to-requests.ts';
import { RequestOver, requestOver } from './respond-to-requests.ts';

interface DigestChangedShape {
  readonly kind: 'DigestChanged';
  readonly digest: DigestRecord;
}

const DigestChanged = builder.objectRef<DigestChangedShape>('DigestChanged').implement({
  fields: (t) => ({ digest: t.expose('digest', { type: DigestRef }) }),
});

interface DigestNotOpenShape extends ProblemShape {
  readonly kind: 'DigestNotInState';
  readonly status: DigestStatus;
}

const DigestNotInState = builder.objectRef<DigestNotOpenShape>('DigestNotInState').implement({
  interfaces: [Problem],
  description: 'The digest stands so that this cannot be done. Nothing was changed.',
  fields: (t) => ({ status: t.expose('status', { type: DigestStatusEnum }) }),
});

type DigestShape = DigestChangedShape | DigestNotOpenShape;

const DigestActResultUnion = builder.unionType('DigestActResult', {
  types: [DigestChanged, DigestNotInState],
  resolveType: (value) => (value as DigestShape).kind,
});

function toDigestShape(result: DigestActResult): DigestShape {
  if (result.kind === 'done') return { kind: 'DigestChanged', digest: result.digest };
  return {
    kind: 'DigestNotInState',
    code: 'DIGEST_NOT_IN_STATE',
    message: `This digest is ${result.status.toLowerCase()}`,
    retryable: false,
    status: result.status,
  };
}

interface RequestChangedShape {
  readonly kind: 'RequestChanged';
  readonly request: RequestRecord;
}

const RequestChanged = builder.objectRef<RequestChangedShape>('RequestChanged').implement({
  fields: (t) => ({ request: t.expose('request', { type: RequestRef }) }),
});

type RequestShape = RequestChangedShape | RequestOverShape;

const RequestActResultUnion = builder.unionType('RequestActResult', {
  types: [RequestChanged, RequestOver],
  resolveType: (value) => (value as RequestShape).kind,
});

function toRequestShape(result: RequestActResult): RequestShape {
  return result.kind === 'done' ? { kind: 'RequestChanged', request: result.request } : requestOver(result.status);
}

const DigestPauseChanged = builder.objectRef<{ readonly recipient: RecipientRecord }>('DigestPauseChanged').implement({
  fields: (t) => ({
    provider: t.field({
      type: ProviderRef,
      nullable: true,
      resolve: ({ recipient }) => (recipient.kind === 'PROVIDER' ? recipient : null),
    }),
    customer: t.field({
      type: CustomerRef,
      nullable: true,
      resolve: ({ recipient }) => (recipient.kind === 'CUSTOMER' ? recipient : null),
    }),
  }),
});
const PauseResult = builder.unionType('PauseDigestsResult', {
  types: [DigestPauseChanged, Refused],
  resolveType: () => 'DigestPauseChanged',
});

const DigestActInput = builder.inputType('DigestActInput', {
  fields: (t) => ({
    digestId: t.id({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});
const RequestActInput = builder.inputType('RequestActInput', {
  fields: (t) => ({ requestId: t.id({ required: true }), reason: t.string() }),
});
const PauseDigestsInput = builder.inputType('PauseDigestsInput', {
  fields: (t) => ({
    providerId: t.id({ required: true, description: 'Of a provider, or of a customer.' }),
    reason: t.string(),
    until: t.field({ type: 'DateTime', description: 'Until somebody lets them go, without it.' }),
  }),
});
const ResumeDigestsInput = builder.inputType('ResumeDigestsInput', {
  fields: (t) => ({
    providerId: t.id({ required: true, description: 'Of a provider, or of a customer.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

const DigestPreviewRef = builder.objectRef<DigestPreview>('DigestPreview').implement({
  fields: (t) => ({
    to: t.exposeString('to'),
    subject: t.exposeString('subject'),
    html: t.exposeString('html'),
    text: t.exposeString('text'),
    part: t.exposeInt('part'),
    parts: t.exposeInt('parts'),
    isFinal: t.exposeBoolean('isFinal', {
      description: 'It was written down, and is what goes out. Else it is how it would look now.',
    }),
  }),
});

builder.queryField('previewDigest', (t) =>
  t.field({
    type: DigestPreviewRef,
    description: 'A digest’s mail, before it goes or after.',
    authScopes: { roles: digestReaders },
    args: { id: t.arg.id({ required: true }), part: t.arg.int({ defaultValue: 1 }) },
    resolve: (_root, { id, part }, { actor, services }) => services.previewDigest(actor, id, part ?? 1),
  }),
);

const operators = { roles: digestOperators };

builder.mutationFields((t) => ({
  flushDigest: t.field({
    type: DigestActResultUnion,
    description: 'Ends an open digest’s window now: it is sealed and sent.',
    authScopes: operators,
    args: { input: t.arg({ type: DigestActInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toDigestShape(await services.flushDigest(actor, input)),
  }),
  skipDigest: t.field({
    type: DigestActResultUnion,
    description: 'Lets an open digest’s window pass without a mail. What it holds goes with the next window.',
    authScopes: operators,
    args: { input: t.arg({ type: DigestActInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toDigestShape(await services.skipDigest(actor, input)),
  }),
  resendDigest: t.field({
    type: DigestActResultUnion,
    description: 'Sends a digest once more that was sent, or that failed.',
    authScopes: operators,
    args: { input: t.arg({ type: DigestActInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toDigestShape(await services.resendDigest(actor, input)),
  }),
  pauseDigests: t.field({
    type: PauseResult,
    description: 'Stops a provider’s digests. What comes meanwhile waits.',
    authScopes: operators,
    args: { input: t.arg({ type: PauseDigestsInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      recipient: await services.pauseDigests(actor, input),
    }),
  }),
  resumeDigests: t.field({
    type: PauseResult,
    description: 'Lets a provider’s digests go again, after a pause or when its mail bounced.',
    authScopes: operators,
    args: { input: t.arg({ type: ResumeDigestsInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      recipient: await services.resumeDigests(actor, input),
    }),
  }),
  cancelRequest: t.field({
    type: RequestActResultUnion,
    description: 'Takes a request back. One that was sent goes to its provider once more, as cancelled.',
    authScopes: { roles: ['producer', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: RequestActInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) =>
      toRequestShape(await services.cancelRequest(actor, input)),
  }),
  cancelFollowUp: t.field({
    type: RequestActResultUnion,
    description: 'Lets a request be: nobody is reminded of it, and it is not closed.',
    authScopes: { roles: ['producer', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: RequestActInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) =>
      toRequestShape(await services.cancelFollowUp(actor, input)),
  }),
}));
