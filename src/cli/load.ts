import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { isName } from '../domain/names.ts';
import type { Habits } from '../load/auditor.ts';
import { writeHistory } from '../load/history-recorder.ts';
import { LoadError } from '../load/load-client.ts';
import { OwnSystem } from '../load/own-system.ts';
import { ProgressBar } from '../load/progress-bar.ts';
import { createRandom, newSeed } from '../load/random.ts';
import { isClean, renderReport } from '../load/report.ts';
import type { LoadPlan, LoadResult, Target } from '../load/run-load.ts';
import { runLoad } from '../load/run-load.ts';
import { halfAndHalf, killsOfQueue, Saboteur } from '../load/saboteur.ts';
import { loadQueue } from './load-queue.ts';
import { fail, ownFolder, requireConfig } from './surroundings.ts';

interface LoadOptions {
  readonly cases: number;
  readonly auditors: number;
  readonly registrars: number;
  readonly kill?: boolean;
  readonly kills: number;
  readonly killServers?: boolean;
  readonly seed?: number;
  readonly url?: string;
  readonly namespace?: string;
  readonly history?: string;
  readonly items?: number;
  readonly producers: number;
  readonly consumers: number;
  readonly shards: number;
}

const waitMs = 5_000;
const stallMs = 60_000;
/** A quiet run only registers, claims and decides. */
const quiet: Habits = { extends: 0, releases: 0, dawdles: 0, doubles: 0 };
/** Where things go wrong on purpose, people do, too; with few auditors nobody would be left who may take a case again. */
const unruly: Habits = { extends: 0.02, releases: 0.01, dawdles: 0.005, doubles: 0.02 };
const auditorsForUnruly = 4;

export function addLoad(program: Command): void {
  program
    .command('load')
    .description(
      'register cases, have auditors work them, and check that nothing was lost, decided twice or held by two',
    )
    .option('--cases <n>', 'how many cases', parseCount(1, 1_000_000), 1_000)
    .option('--auditors <n>', 'how many auditors work at the same time', parseCount(1, 5_000), 16)
    .option('--registrars <n>', 'how many clients register at the same time', parseCount(1, 1_000), 8)
    .option('--items <n>', 'load the priority queue instead, with so many items at least', parseCount(1, 10_000_000))
    .option('--producers <n>', 'with --items: how many programs enqueue at the same time', parseCount(1, 1_000), 4)
    .option('--consumers <n>', 'with --items: how many programs consume at the same time', parseCount(1, 1_000), 4)
    .option('--shards <n>', 'with --items and --kill: how many databases the system has', parseCount(1, 16), 2)
    .option('--kill', 'on a system of its own, in separate processes that are killed and started again meanwhile')
    .option('--kills <n>', 'how many gateways and schedulers are killed', parseCount(0, 1_000), 8)
    .option('--kill-servers', 'as --kill, and kill nats-server with its store and PostgreSQL, too')
    .option('--seed <n>', 'repeats the choices of a run', parseCount(0, 2 ** 32 - 1))
    .option(
      '--url <urls>',
      'gateways, separated by commas; without it what npm start runs. DATABASE_URLS and AUTH_SECRET must be theirs',
    )
    .option('--namespace <name>', 'a namespace that is not in use; without it a new one', parseNamespace)
    .option('--history <file>', 'write down what every client was told, one JSON object a line')
    .action(async (options: LoadOptions) => {
      if (options.items !== undefined) {
        process.exitCode = (await loadItems(options, options.items)) ? 0 : 1;
        return;
      }
      const plan = createPlan(options);
      const bar = new ProgressBar(process.stderr);
      bar.say(`seed ${plan.seed}`);
      try {
        const clean = await (options.kill === true || options.killServers === true
          ? runWithKills(options, plan, bar)
          : runQuietly(options, plan, bar));
        process.exitCode = clean ? 0 : 1;
      } catch (error) {
        if (error instanceof LoadError) fail(error.message);
        throw error;
      }
    });
}

async function loadItems(options: LoadOptions, items: number): Promise<boolean> {
  const runId = `load-${Date.now().toString(36)}`;
  const { kill, killServers, kills, producers, consumers, shards, seed = newSeed(), namespace = runId } = options;
  const sabotage = kill === true || killServers === true ? killsOfQueue(kills, killServers === true) : undefined;
  const wishes = { runId, namespace, items, producers, consumers, seed, shards, sabotage };
  try {
    return await loadQueue(wishes, () => findTarget(options));
  } catch (error) {
    if (error instanceof LoadError) fail(error.message);
    throw error;
  }
}

function createPlan({
  cases,
  auditors,
  registrars,
  kill,
  killServers,
  seed = newSeed(),
  namespace,
}: LoadOptions): LoadPlan {
  const runId = `load-${Date.now().toString(36)}`;
  const isUnruly = (kill === true || killServers === true) && auditors >= auditorsForUnruly;
  return {
    runId,
    namespace: namespace ?? runId,
    cases,
    auditors,
    registrars,
    leaseSeconds: isUnruly ? 5 : 60,
    waitMs,
    habits: isUnruly ? unruly : quiet,
    seed,
    stallMs,
  };
}

/** The system that runs, for whose clients this configuration can make tokens. */
function findTarget(options: LoadOptions): Target {
  const config = requireConfig();
  if (config.authSecret === undefined) fail('AUTH_SECRET is needed to make tokens for the clients of the load', 2);
  return {
    urls: (options.url ?? config.publicUrl).split(',').map((url) => url.trim()),
    databaseUrls: config.databaseUrls,
    authSecret: config.authSecret,
    authIssuer: config.authIssuer,
    authAudience: config.authAudience,
  };
}

async function runQuietly(options: LoadOptions, plan: LoadPlan, bar: ProgressBar): Promise<boolean> {
  const target = findTarget(options);
  const result = await runLoad(plan, target, { onProgress: (progress) => bar.show(progress) });
  return finish(result, undefined, options, bar);
}

async function runWithKills(options: LoadOptions, plan: LoadPlan, bar: ProgressBar): Promise<boolean> {
  const directory = join(ownFolder(), plan.runId);
  const system = await OwnSystem.start({
    directory,
    cacheDirectory: join(ownFolder(), 'cache'),
    gateways: 2,
    schedulers: 2,
    report: (line) => bar.say(line),
  });
  let clean = false;
  try {
    let saboteur: Saboteur | undefined;
    const result = await runLoad(plan, system, {
      onProgress: (progress) => {
        bar.show(progress);
        saboteur?.progress((progress.registered + progress.decided) / (2 * progress.cases));
      },
      alongside: (recorder, signal) => {
        const random = createRandom(plan.seed, 'sabotage');
        saboteur = new Saboteur(
          system,
          halfAndHalf(options.kills, options.killServers === true),
          random,
          (disturbance) => recorder.disturbances.push(disturbance),
        );
        return saboteur.run(signal);
      },
    });
    clean = await finish(result, saboteur, options, bar);
    return clean;
  } finally {
    await system.close(!clean);
    if (!clean) bar.say(`logs and data are kept in ${directory}`);
  }
}

async function finish(
  result: LoadResult,
  saboteur: Saboteur | undefined,
  { history }: LoadOptions,
  bar: ProgressBar,
): Promise<boolean> {
  bar.end();
  if (history !== undefined) await writeHistory(result.history, history);
  process.stdout.write(renderReport(result, saboteur?.done));
  return isClean(result);
}

function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < min || number > max)
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    return number;
  };
}

function parseNamespace(text: string): string {
  if (!isName(text)) throw new InvalidArgumentError("It has 1 to 63 of a-z, 0-9 and '-'.");
  return text;
}
