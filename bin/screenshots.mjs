#!/usr/bin/env node
// npm run screenshots: the pictures of docs/screenshots, taken from a system of their own.
import { launch } from './launch.mjs';

await launch('test/dashboard/take-screenshots.ts', process.argv.slice(2));
