import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentsFile, generateDocuments } from '../../src/site/documents.ts';

it('the typed documents of the dashboard fit the schema; npm run documents writes them anew', async () => {
  expect(readFileSync(documentsFile, 'utf8')).toBe(await generateDocuments());
});
