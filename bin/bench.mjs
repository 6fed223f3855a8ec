#!/usr/bin/env node
// npm run bench
import { launch } from './launch.mjs';

await launch('bench/run.ts', process.argv.slice(2));
