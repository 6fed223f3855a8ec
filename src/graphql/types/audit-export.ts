import { hasAnyRole } from '../../domain/actor.ts';
import { builder } from '../builder.ts';
import { CaseRef } from './case.ts';

interface AuditExport {
  readonly sizeBytes: number;
  readonly sha256Hex: string;
  readonly createdAt: Date;
  readonly url: string;
}

const AuditExportRef = builder.objectRef<AuditExport>('AuditExport').implement({
  description: 'The audit trail of a case, written out as a JSON document.',
  fields: (t) => ({
    sizeBytes: t.exposeInt('sizeBytes'),
    sha256: t.exposeString('sha256Hex', { description: 'Hexadecimal.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    url: t.exposeString('url', { description: 'A signed URL to read it from, good for a minute.' }),
  }),
});

builder.objectField(CaseRef, 'auditExport', (t) =>
  t.field({
    type: AuditExportRef,
    nullable: true,
    complexity: 5,
    description: 'Made after the decision, where `audit-export` tasks are wanted. For supervisors and operators.',
    resolve: async ({ case: { id, namespace } }, _args, { actor, services }) => {
      if (actor === undefined || !hasAnyRole(actor, ['supervisor', 'operator'])) return null;
      const found = await services.findCaseExport(id);
      return found === undefined ? null : { ...found, url: services.documentUrl(id, namespace) };
    },
  }),
);
