#!/usr/bin/env node
// npm run documents: the dashboard's operations, typed by schema.graphql.
import { launch } from './launch.mjs';

await launch('src/site/documents.ts', process.argv.slice(2));
