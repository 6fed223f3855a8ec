import { expect, it } from 'vitest';
import { generateDocuments } from '../../src/site/documents.ts';

it('the operations of the dashboard fit the schema', async () => {
  expect(await generateDocuments()).toContain('export const ClaimNextDocument');
});
