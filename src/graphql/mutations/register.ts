import type { HeldCase } from '../../cases/case-rows.ts';
import { builder } from '../builder.ts';
import { CaseRef } from '../types/case.ts';
import type { DocumentNotReadyShape, IdempotencyConflictShape } from '../types/problems.ts';
import { DocumentNotReady, documentNotReady, IdempotencyConflict, idempotencyConflict } from '../types/problems.ts';

interface CaseRegisteredShape {
  readonly kind: 'CaseRegistered';
  readonly case: HeldCase;
  readonly askedRegion: string | null;
}

const CaseRegistered = builder.objectRef<CaseRegisteredShape>('CaseRegistered').implement({
  description: 'The case is in the record and can be claimed.',
  fields: (t) => ({
    case: t.field({ type: CaseRef, resolve: (result) => result.case }),
    takenOver: t.boolean({
      description: 'Another region took it than the one that was asked for, or the gateway’s own.',
      resolve: (result, _args, { services }) => services.wasTakenOver(result.case.case.id, result.askedRegion),
    }),
  }),
});

type Shape = CaseRegisteredShape | DocumentNotReadyShape | IdempotencyConflictShape;

const RegisterResult = builder.unionType('RegisterResult', {
  types: [CaseRegistered, DocumentNotReady, IdempotencyConflict],
  resolveType: (value) => (value as Shape).kind,
});

const ApplicantInput = builder.inputType('ApplicantInput', {
  fields: (t) => ({
    name: t.string({ required: true, description: '1 to 200 characters.' }),
    email: t.string({ required: true }),
    details: t.field({ type: 'JSON', description: 'Whatever the process asks for; at most 32 KB.' }),
  }),
});

const CaseDocumentInput = builder.inputType('CaseDocumentInput', {
  fields: (t) => ({
    documentId: t.id({ required: true, description: 'From createUpload; its bytes must have been uploaded.' }),
    kind: t.string({ required: true, description: 'What it is in the process, for instance "passport".' }),
  }),
});

const RegisterInput = builder.inputType('RegisterInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    topic: t.string({ defaultValue: 'cases', required: true }),
    applicant: t.field({ type: ApplicantInput, required: true }),
    documents: t.field({ type: [CaseDocumentInput], description: 'At most 20.' }),
    priority: t.int({ defaultValue: 0, required: true, description: 'Lower is sooner; any 32-bit integer.' }),
    idempotencyKey: t.string({ description: 'The same key and input give the first result again.' }),
    region: t.string({ description: 'Where the case should be kept; the gateway’s own region without it.' }),
  }),
});

builder.mutationField('register', (t) =>
  t.field({
    type: RegisterResult,
    description: 'Registers a case with its documents, in one transaction.',
    authScopes: { roles: ['applicant', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: RegisterInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.register(actor, input);
      switch (result.kind) {
        case 'registered':
          return { kind: 'CaseRegistered', case: result.held, askedRegion: input.region ?? null };
        case 'documentNotReady':
          return documentNotReady(result.documentId, result.state);
        case 'idempotencyConflict':
          return idempotencyConflict();
      }
    },
  }),
);
