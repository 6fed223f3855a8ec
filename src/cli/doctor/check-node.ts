import type { Check } from './check.ts';
import { ok, wrong } from './check.ts';

const majorFloor = 24;

export function checkNode(version: string = process.versions.node): Check {
  return Number.parseInt(version, 10) >= majorFloor
    ? ok('Node.js', version)
    : wrong('Node.js', version, `use Node ${majorFloor} or newer: npx caseload finds the one in node_modules`);
}
