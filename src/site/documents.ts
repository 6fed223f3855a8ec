import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operationTypes from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';

const folder = fileURLToPath(new URL('../dashboard/graphql/', import.meta.url));
const schemaFile = new URL('../../schema.graphql', import.meta.url);
const documentsFile = join(folder, 'documents.ts');

/**
 * Makes typed documents of the dashboard's `.graphql` files.
 * @returns the text of `documents.ts`
 * @throws Error that names the file and the field when an operation does not fit the schema
 */
export async function generateDocuments(): Promise<string> {
  const text = await codegen({
    filename: documentsFile,
    schema: parse(readFileSync(schemaFile, 'utf8')),
    documents: readdirSync(folder)
      .filter((name) => name.endsWith('.graphql'))
      .sort()
      .map((name) => ({ location: name, document: parse(readFileSync(join(folder, name), 'utf8')) })),
    plugins: [{ operations: {} }, { documents: {} }],
    pluginMap: { operations: operationTypes, documents: typedDocuments },
    config: {
      useTypeImports: true,
      immutableTypes: true,
      enumsAsTypes: true,
      skipTypename: true,
      onlyOperationTypes: true,
      documentMode: 'documentNode',
      optimizeDocumentNode: true,
      dedupeFragments: true,
      dedupeOperationSuffix: true,
      scalars: { ID: 'string', DateTime: 'string', Base64: 'string', JSON: 'Record<string, unknown>' },
    },
  });
  return `// Made from the .graphql files beside it by \`npm run documents\`; not edited by hand.\n${text}`;
}

/** Writes them beside the operations; a program that reads meanwhile finds the old file or the new one whole. */
async function writeDocuments(): Promise<void> {
  const draft = `${documentsFile}.${process.pid}`;
  writeFileSync(draft, await generateDocuments());
  renameSync(draft, documentsFile);
}

if (import.meta.main) await writeDocuments();
