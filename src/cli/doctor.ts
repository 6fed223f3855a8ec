import type { Command } from 'commander';
import { ConfigError, readConfig } from '../config.ts';
import type { Check } from './doctor/check.ts';
import { ok, wrong } from './doctor/check.ts';
import { checkNode } from './doctor/check-node.ts';
import { developmentFile, readSurroundings } from './surroundings.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look at everything that Caseload needs; says what is missing and what mends it, and exits 1 then')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const checks = [checkNode(), ...(await checkTheRest())];
      const healthy = checks.every(({ state }) => state === 'ok' || state === 'warning');
      process.stdout.write(
        json === true ? `${JSON.stringify({ healthy, checks }, null, 2)}\n` : describe(checks, healthy),
      );
      process.exitCode = healthy ? 0 : 1;
    });
}

async function checkTheRest(): Promise<readonly Check[]> {
  try {
    const config = readConfig(readSurroundings());
    const { examine } = await import('./doctor/examine.ts');
    return [ok('configuration', 'complete'), ...(await examine(config))];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [wrong('configuration', error.message, `npm start writes ${developmentFile()}; or set these variables`)];
  }
}

const marks: Readonly<Record<Check['state'], string>> = {
  ok: 'ok',
  warning: 'warning',
  wrong: 'WRONG',
  unknown: 'unknown',
};

const markColumns = 9;
const nameColumns = 22;
const indentedBreak = `\n${' '.repeat(markColumns + nameColumns)}`;

function describe(checks: readonly Check[], healthy: boolean): string {
  const lines = checks.flatMap(({ name, state, found, remedy }) => [
    `${marks[state].padEnd(markColumns)}${name.padEnd(nameColumns)}${found.replaceAll('\n', indentedBreak)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(markColumns)}→ ${remedy}`]),
  ]);
  return `${lines.join('\n')}\n\n${healthy ? 'Caseload has what it needs.' : 'Something is wrong; the lines with → mend it.'}\n`;
}
