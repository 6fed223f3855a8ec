#!/usr/bin/env node
// npm test: types, lint, and all tests against real servers. Arguments go to vitest: npm test -- test/domain
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endWith, runNode } from './launch.mjs';
import { prepare, project } from './prepare.mjs';

const report = join(project, '.caseload', `vitest-${process.pid}.json`);

/** @type {readonly { name: string, args: readonly string[], count: (code: number) => { passed: number, failed: number } }[]} */
const steps = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], count: countOne },
  // The types of its operations are made, not kept.
  { name: 'operations, dashboard', args: ['src/site/documents.ts'], count: countOne },
  { name: 'types, dashboard', args: ['node_modules/typescript/bin/tsc', '-p', 'src/dashboard'], count: countOne },
  { name: 'lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'], count: countOne },
  {
    name: 'tests',
    args: [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...process.argv.slice(2),
    ],
    count: countTests,
  },
];

await endWith(async () => {
  const node = await prepare();
  process.chdir(project);
  mkdirSync(join(project, '.caseload'), { recursive: true });
  try {
    return await runSteps(node);
  } finally {
    rmSync(report, { force: true });
  }
});

async function runSteps(node) {
  const total = { passed: 0, failed: 0 };
  for (const step of steps) {
    console.log(`\n── ${step.name} ──`);
    const started = performance.now();
    const { code, interrupted } = await runNode(node, step.args);
    if (interrupted) return code === 0 ? 130 : code;
    const { passed, failed } = step.count(code);
    total.passed += passed;
    total.failed += failed;
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    console.log(`── ${step.name}: ${failed === 0 ? 'passed' : `${failed} failed`}, ${seconds} s`);
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

function countOne(code) {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** A file that could not be loaded, and a run that ended badly without a failed test, count as one failure each. */
function countTests(code) {
  const { passed, failed } = readReport();
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed };
}

function readReport() {
  try {
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const failed = testResults.map(({ status, assertionResults }) => {
      const tests = assertionResults.filter((test) => test.status === 'failed').length;
      return tests === 0 && status === 'failed' ? 1 : tests;
    });
    return { passed: numPassedTests, failed: failed.reduce((sum, count) => sum + count, 0) };
  } catch (error) {
    // Vitest ended before it could report anything.
    if (error.code === 'ENOENT') return { passed: 0, failed: 0 };
    throw error;
  }
}
