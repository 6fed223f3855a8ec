import type { CreatedUpload } from '../../documents/create-upload.ts';
import { builder } from '../builder.ts';
import { Refused } from '../types/problems.ts';

const UploadHeader = builder.objectRef<CreatedUpload['headers'][number]>('UploadHeader').implement({
  fields: (t) => ({ name: t.exposeString('name'), value: t.exposeString('value') }),
});

const UploadCreated = builder.objectRef<CreatedUpload>('UploadCreated').implement({
  description: 'Where to send the bytes: one request with this method, these headers, and nothing but the bytes.',
  fields: (t) => ({
    documentId: t.exposeID('documentId'),
    url: t.exposeString('url', { description: 'Signed, for this document and method alone.' }),
    method: t.exposeString('method'),
    headers: t.field({
      type: [UploadHeader],
      complexity: { field: 0, multiplier: 1 },
      resolve: (upload) => [...upload.headers],
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
  }),
});

const CreateUploadResult = builder.unionType('CreateUploadResult', {
  types: [UploadCreated, Refused],
  resolveType: () => UploadCreated,
});

const CreateUploadInput = builder.inputType('CreateUploadInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    fileName: t.string({ required: true }),
    contentType: t.string({ required: true, description: 'application/pdf, image/png, image/jpeg or image/tiff.' }),
    sizeBytes: t.int({ required: true }),
    sha256: t.string({ required: true, description: 'Of the bytes; hexadecimal or Base64.' }),
  }),
});

builder.mutationField('createUpload', (t) =>
  t.field({
    type: CreateUploadResult,
    description: 'Announces a document and answers with a signed URL to send its bytes to.',
    authScopes: { roles: ['applicant', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: CreateUploadInput, required: true }) },
    resolve: (_root, { input }, { actor, services }) => services.createUpload(actor, input),
  }),
);
