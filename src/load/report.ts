import type { Findings, ViolationKind } from './findings.ts';
import type { Told, Verb } from './history.ts';
import { verbs } from './history.ts';
import type { LoadResult } from './run-load.ts';
import type { VictimKind } from './saboteur.ts';
import { victimKinds } from './saboteur.ts';
import { summarizeDurations } from './statistics.ts';

/** The kinds that have a line of their own in the table, found or not. */
const headKinds: readonly ViolationKind[] = ['lost', 'decided twice', 'held by two at once'];

const labels: Readonly<Record<Verb, string>> = {
  register: 'register',
  claim: 'claimNextCase (its waiting included)',
  extend: 'extendLease',
  release: 'releaseCase',
  decide: 'decide',
};

/** Whether everything was decided and the checker found nothing. */
export function isClean(result: LoadResult): boolean {
  return result.gaveUp === undefined && result.findings.total === 0;
}

/** What a run ends with: the counts, the times, the kills, and each thing that must not be. */
export function renderReport(result: LoadResult, kills: ReadonlyMap<VictimKind, number> | undefined): string {
  const { plan, findings, seconds, history } = result;
  const results = history.told.filter((told) => told.outcome === 'ok' || isRefusal(told));
  const lines = [
    `namespace ${plan.namespace}, ${plan.cases} cases, ${plan.auditors} auditors, ${plan.registrars} registering clients, seed ${plan.seed}`,
    '',
    ...renderPairs(countLines(result, results.length)),
    ...renderKills(kills),
    '',
    ...renderTimes(history.told),
    '',
    `${seconds.toFixed(1)} s, ${Math.round(results.length / Math.max(seconds, 0.001))} requests/s, ${Math.round(result.decided / Math.max(seconds, 0.001))} cases/s`,
  ];
  if (result.gaveUp !== undefined) lines.push('', `not finished: ${result.gaveUp}`);
  if (findings.total > 0) lines.push('', ...renderFindings(findings));
  return `${lines.join('\n')}\n`;
}

/** What was killed, and how often. */
export function renderKills(kills: ReadonlyMap<VictimKind, number> | undefined): string[] {
  if (kills === undefined) return [];
  return renderPairs(
    victimKinds.flatMap((kind): [string, string][] =>
      kills.has(kind) ? [[`killed: ${kind}`, String(kills.get(kind))]] : [],
    ),
  );
}

function countLines({ registered, decided, findings, history }: LoadResult, results: number): [string, string][] {
  const others = findings.total - headKinds.reduce((sum, kind) => sum + findings.count(kind), 0);
  return [
    ['registered', String(registered)],
    ['decided', String(decided)],
    ...headKinds.map((kind): [string, string] => [kind, String(findings.count(kind))]),
    ['other contradictions', String(others)],
    ['requests with a result', String(results)],
    [
      'requests that were repeated',
      String(history.told.filter((told) => told.outcome === 'unknown' || isFault(told)).length),
    ],
    ['live updates seen', String(history.seen.length)],
  ];
}

function renderTimes(told: readonly Told[]): string[] {
  const rows = verbs.flatMap((verb) => {
    const durations = told
      .filter((entry) => entry.verb === verb && (entry.outcome === 'ok' || isRefusal(entry)))
      .map((entry) => entry.endedMs - entry.startedMs);
    if (durations.length === 0) return [];
    const { requests, p50Ms, p99Ms } = summarizeDurations(durations);
    return [[labels[verb], String(requests), p50Ms.toFixed(1), p99Ms.toFixed(1)]];
  });
  return renderTable(['mutation', 'requests', 'p50 ms', 'p99 ms'], rows);
}

/** Each thing that must not be. @param what a case or an item */
export function renderFindings(findings: Findings, what = 'case'): string[] {
  const lines = findings.kinds.map((kind) => `${kind}: ${findings.count(kind)}`);
  for (const { kind, caseId, detail } of findings.violations.slice(0, 20))
    lines.push(`  ${kind}: ${what} ${caseId ?? '?'}: ${detail}`);
  return lines;
}

/** A result's type starts with a capital and has lower case in it; codes are all capitals. */
function isRefusal(told: Told): boolean {
  return told.outcome === 'fail' && /^[A-Z][a-z]/.test(told.answer);
}

function isFault(told: Told): boolean {
  return told.outcome === 'fail' && !isRefusal(told);
}

export function renderPairs(pairs: readonly (readonly [string, string])[]): string[] {
  const width = 32;
  return pairs.map(([name, value]) => `${name.padEnd(width)}${value.padStart(10)}`);
}

export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}
