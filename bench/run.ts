import { Bench } from './bench.ts';
import { installPeers } from './install-peers.ts';
import type { BenchOptions } from './options.ts';
import { readOptions, usage } from './options.ts';
import { startProfile } from './profile.ts';
import type { RowResult } from './report.ts';
import { collectResults, publishResults, writeResults } from './report.ts';
import type { Row } from './rows/row.ts';
import { rows } from './rows/rows.ts';
import { openStage } from './stage.ts';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${usage}\n\nRows: ${rows.map(({ name }) => name).join(', ')}\n`);
    return;
  }
  const chosen = chooseRows(options.only);
  if (options.peers) await installPeers();
  const stage = await openStage(options.profile ? { shared_preload_libraries: 'pg_stat_statements' } : {});
  const stop = stopOnSignal(stage.close);
  try {
    const results = collectResults(options, stage.surroundings, await runRows(options, stage, chosen));
    const markdown = writeResults(results);
    process.stdout.write(`${markdown}\n`);
    if (options.publish) publishResults(markdown);
    if (results.rows.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
  } finally {
    await stop();
  }
}

function chooseRows(only: readonly string[]): readonly Row[] {
  const unknown = only.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new TypeError(`There is no row ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`);
  return only.length === 0 ? rows : rows.filter(({ name }) => only.includes(name));
}

async function runRows(
  options: BenchOptions,
  stage: Awaited<ReturnType<typeof openStage>>,
  chosen: readonly Row[],
): Promise<RowResult[]> {
  const bench = await Bench.open(options, stage);
  const results: RowResult[] = [];
  try {
    for (const row of chosen) {
      process.stderr.write(`${row.name}: ${row.title}\n`);
      results.push(await runRow(bench, row));
    }
    return results;
  } finally {
    await bench.close();
  }
}

/** A row that fails is told of, and the others still run. */
async function runRow(bench: Bench, row: Row): Promise<RowResult> {
  const finish = bench.options.profile ? await startProfile(bench, row.name) : undefined;
  try {
    const report = await row.run(bench);
    await finish?.();
    return { row, report, failure: undefined };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`  failed: ${failure}\n`);
    return { row, report: undefined, failure };
  }
}

/** Ctrl-C stops the servers and removes their folder before the program ends. */
function stopOnSignal(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(130)));
  }
  return stop;
}

await main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof TypeError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
});
