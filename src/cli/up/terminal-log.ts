import { pino } from 'pino';
import type { Logger } from '../../log.ts';
import { createLogger } from '../../log.ts';
import type { Terminal } from './terminal.ts';

/** The programs' log for the person at a terminal: a line for each entry. Elsewhere JSON on standard error, as always. */
export function createUpLog(terminal: Terminal, level: string): Logger {
  if (!process.stderr.isTTY) return createLogger('up', level);
  return pino({ level, base: {} }, { write: (line: string) => terminal.notice(describeEntry(line)) });
}

interface Entry {
  readonly level: number;
  readonly msg?: string;
  readonly service?: string;
  readonly err?: { readonly message?: string };
}

function describeEntry(line: string): string {
  const { level, msg = '', service, err } = JSON.parse(line) as Entry;
  const details = [service, err?.message].filter((detail) => detail !== undefined);
  return `${pino.levels.labels[level] ?? 'log'}: ${msg}${details.length === 0 ? '' : ` (${details.join(': ')})`}`;
}
