import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { BenchOptions } from './options.ts';
import type { Goal, Line, Row, RowReport } from './rows/row.ts';
import { isMet } from './rows/row.ts';
import type { Surroundings } from './stage.ts';
import { median, spread } from './statistics.ts';

/** What came of a row: its report, or why there is none. */
export interface RowResult {
  readonly row: Pick<Row, 'name' | 'title'>;
  readonly report: RowReport | undefined;
  readonly failure: string | undefined;
}

export interface Results {
  readonly takenAt: string;
  /** The commit that was measured, with a word when files differ from it. */
  readonly commit: string;
  readonly processor: string;
  readonly surroundings: Surroundings;
  readonly quick: boolean;
  readonly rounds: number;
  readonly measureSeconds: number;
  readonly rows: readonly RowResult[];
}

const project = fileURLToPath(new URL('..', import.meta.url));
const folder = fileURLToPath(new URL('./results/', import.meta.url));
const document = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const begin = '<!-- results: begin -->';
const end = '<!-- results: end -->';

export function collectResults(options: BenchOptions, surroundings: Surroundings, rows: readonly RowResult[]): Results {
  const { quick, effort } = options;
  return {
    takenAt: new Date().toISOString(),
    commit: describeCommit(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    surroundings,
    quick,
    rounds: effort.rounds,
    measureSeconds: effort.measureSeconds,
    rows,
  };
}

/** Writes the results as JSON and as Markdown into `bench/results/`. @returns the Markdown */
export function writeResults(results: Results): string {
  const markdown = toMarkdown(results);
  const name = results.takenAt.replaceAll(/[:.]/g, '-');
  mkdirSync(folder, { recursive: true });
  for (const stem of [name, 'latest']) {
    writeFileSync(`${folder}${stem}.json`, `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(`${folder}${stem}.md`, markdown);
  }
  return markdown;
}

/** Puts the table between the marks in `docs/performance.md`. */
export function publishResults(markdown: string): void {
  const text = readFileSync(document, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error('docs/performance.md has lost the marks around its results');
  writeFileSync(document, `${text.slice(0, from + begin.length)}\n\n${markdown}\n${text.slice(to)}`);
}

export function toMarkdown(results: Results): string {
  const { surroundings, rounds, measureSeconds } = results;
  const durability = Object.entries(surroundings.durability).map(([name, value]) => `\`${name} = ${value}\``);
  return [
    `Measured ${results.takenAt.slice(0, 16).replace('T', ' ')} UTC, ${results.commit}, ${results.quick ? 'the quick form' : 'the full form'}: medians of ${rounds} rounds of ${measureSeconds} s, with the least and the most of all rounds.`,
    `${surroundings.processors} processors (${results.processor}), ${surroundings.memoryGigabytes} GB of memory; Node ${surroundings.node}; PostgreSQL ${surroundings.postgres} with ${durability.join(', ')} for everyone.`,
    '',
    ...results.rows.flatMap(toSection),
  ].join('\n');
}

function toSection({ row, report, failure }: RowResult): string[] {
  const head = [`### ${row.title}`, ''];
  if (report === undefined) return [...head, `Not measured: ${failure?.split('\n', 1)[0]}`, ''];
  return [
    ...head,
    ...toGoalTable(report.goals),
    ...toLineTable(report.lines),
    ...report.notes.flatMap((note) => [note, '']),
  ];
}

function toGoalTable(goals: readonly Goal[]): string[] {
  if (goals.length === 0) return [];
  const body = goals.map((goal) => {
    const middle = median(goal.values);
    const met = isMet(goal, middle);
    const verdict = met === undefined ? '' : met ? 'yes' : '**no**';
    return `| ${goal.what} | ${withSpread(goal.values, goal.unit)} | ${describeBound(goal)} | ${verdict} |`;
  });
  return ['| figure | measured | goal | met |', '| --- | --- | --- | --- |', ...body, ''];
}

function toLineTable(lines: readonly Line[]): string[] {
  if (lines.length === 0) return [];
  const groups = [...new Set(lines.flatMap(({ cpu }) => Object.keys(cpu)))].toSorted();
  const body = lines.map((line) => {
    const shares = groups.map((group) => (line.cpu[group] === undefined ? undefined : median(line.cpu[group])));
    const sum = shares.reduce<number>((all, share) => all + (share ?? 0), 0);
    const cpu = [...shares, sum === 0 ? undefined : sum].map((share) => (share === undefined ? '' : format(share)));
    const cells = [
      line.who,
      line.what,
      withSpread(line.rates, ''),
      format(median(line.p50)),
      format(median(line.p99)),
      ...cpu,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const columns = ['who', 'what', 'a second', 'p50 ms', 'p99 ms', ...[...groups, 'all'].map((group) => `${group} µs`)];
  return [`| ${columns.join(' | ')} |`, `| ${columns.map(() => '---').join(' | ')} |`, ...body, ''];
}

function describeBound({ bound, unit }: Goal): string {
  if (bound === undefined) return '';
  return 'atLeast' in bound
    ? `at least ${format(bound.atLeast)} ${unit}`.trim()
    : `at most ${format(bound.atMost)} ${unit}`.trim();
}

function withSpread(values: readonly number[], unit: string): string {
  if (values.length === 0) return '';
  const { median: middle, least, most } = spread(values);
  const range = values.length === 1 ? '' : ` (${format(least)} to ${format(most)})`;
  return `${format(middle)}${unit === '' ? '' : ` ${unit}`}${range}`;
}

function format(value: number): string {
  if (Number.isNaN(value)) return '';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function describeCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const commit = `commit ${git('rev-parse', '--short=12', 'HEAD')}`;
    return git('status', '--porcelain', '--', 'src', 'bench', 'package-lock.json') === ''
      ? commit
      : `${commit} with changes`;
  } catch {
    return 'no commit'; // not a clone, or nothing committed yet
  }
}
