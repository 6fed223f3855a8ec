#!/usr/bin/env node
// The `caseload` command. Standard output belongs to the command alone.
import { launch } from './launch.mjs';

await launch('src/cli.ts', process.argv.slice(2));
