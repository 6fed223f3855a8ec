import { defineEntity, p } from '@mikro-orm/core';

export const DocumentRecord = defineEntity({
  name: 'DocumentRecord',
  tableName: 'documents',
  properties: {
    id: p.uuid().primary(),
    namespace: p.text(),
    uploader: p.text(),
    fileName: p.text(),
    contentType: p.text(),
    sizeBytes: p.bigint('number'),
    sha256: p.text(),
    state: p.enum(['AWAITING', 'STORED', 'ATTACHED']),
    blobKey: p.text().nullable(),
    caseId: p.uuid().nullable(),
    kind: p.text().nullable(),
    place: p.integer().nullable(),
    createdAt: p.datetime(),
  },
});
