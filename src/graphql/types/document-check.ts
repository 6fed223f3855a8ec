import type { CheckedDocument } from '../../documents/document-checks.ts';
import { checkOutcomes } from '../../documents/document-checks.ts';
import { hasAnyRole } from '../../domain/actor.ts';
import { builder } from '../builder.ts';
import { CaseDocumentRef } from './case.ts';

const OutcomeEnum = builder.enumType('DocumentCheckOutcome', {
  values: checkOutcomes,
  description: 'DIFFERENT: the stored bytes are not what was declared. INFECTED: the scanner says so.',
});

const DocumentCheckRef = builder.objectRef<CheckedDocument>('DocumentCheck').implement({
  description: 'What the last check of a document’s stored bytes found.',
  fields: (t) => ({
    outcome: t.expose('outcome', { type: OutcomeEnum }),
    pageCount: t.exposeInt('pageCount', { nullable: true, description: 'Of a PDF.' }),
    pageFault: t.exposeString('pageFault', {
      nullable: true,
      description: 'Why its pages could not be counted: ENCRYPTED, BROKEN, TOO_SLOW or TOO_LARGE.',
    }),
    scan: t.exposeString('scan', { nullable: true, description: 'CLEAN or INFECTED; null without a scanner.' }),
    detail: t.exposeString('detail', { nullable: true }),
    checkedAt: t.expose('checkedAt', { type: 'DateTime' }),
  }),
});

builder.objectField(CaseDocumentRef, 'check', (t) =>
  t.field({
    type: DocumentCheckRef,
    nullable: true,
    description: 'Null until it was checked. Not for applicants.',
    resolve: async (document, _args, { actor, services }) => {
      if (actor === undefined || !hasAnyRole(actor, ['auditor', 'supervisor', 'operator'])) return null;
      return (await services.findDocumentCheck(document.id)) ?? null;
    },
  }),
);
