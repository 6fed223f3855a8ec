#!/usr/bin/env node
// npm start: everything from a fresh clone to a running system.
import { launch } from './launch.mjs';

await launch('src/cli.ts', ['up', ...process.argv.slice(2)]);
