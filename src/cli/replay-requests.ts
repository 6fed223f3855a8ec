import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { isName } from '../domain/names.ts';
import { LoadError } from '../load/load-client.ts';
import { OwnSystem } from '../load/own-system.ts';
import { ProgressBar } from '../load/progress-bar.ts';
import { createRandom, newSeed } from '../load/random.ts';
import type { Target } from '../load/run-load.ts';
import { killPrograms } from '../replay/kill-programs.ts';
import { purchaseRequestsFile, readPurchaseRequests } from '../replay/purchase-requests.ts';
import type { ReplayOptions, ReplayResult } from '../replay/replay-requests.ts';
import { replayRequests } from '../replay/replay-requests.ts';
import { fail, ownFolder, requireConfig } from './surroundings.ts';

interface Options {
  readonly file?: string;
  readonly requests?: number;
  readonly windowSeconds: number;
  readonly own?: boolean;
  readonly kill?: boolean;
  readonly kills: number;
  readonly seed?: number;
  readonly url?: string;
  readonly namespace?: string;
}

const differencesShown = 20;

export function addReplayRequests(program: Command): void {
  program
    .command('replay-requests')
    .description('submit two days of real purchase requests at many times their speed, and compare the digests')
    .option('--file <csv>', 'another file of the same form; without it data/purchase-requests.csv')
    .option('--requests <n>', 'only so many, spread over the file', parseCount(1, 1_000_000))
    .option('--window-seconds <n>', 'how long a window of four hours lasts', parseCount(2, 3_600), 4)
    .option('--own', 'on a system of its own, in separate processes')
    .option('--kill', 'as --own, with gateways, schedulers and workers killed meanwhile')
    .option('--kills <n>', 'how many are killed', parseCount(0, 1_000), 12)
    .option('--seed <n>', 'repeats the choices of a run', parseCount(0, 2 ** 32 - 1))
    .option('--url <urls>', 'gateways, separated by commas; without it what npm start runs')
    .option('--namespace <name>', 'a namespace that is not in use; without it a new one', parseNamespace)
    .action(async (options: Options) => {
      const seed = options.seed ?? newSeed();
      const requests = readPurchaseRequests(options.file ?? purchaseRequestsFile, options.requests);
      const bar = new ProgressBar(
        process.stderr,
        ({ registered, decided, cases }) => `submitted ${registered}, sent ${decided} of ${cases}`,
      );
      const namespace = options.namespace ?? `replay-${Date.now().toString(36)}`;
      bar.say(`seed ${seed}, namespace ${namespace}`);
      const plan: ReplayOptions = {
        requests,
        namespace,
        windowSeconds: options.windowSeconds,
        seed,
        onProgress: (submitted, sent) => bar.show({ registered: submitted, decided: sent, cases: requests.length }),
      };
      try {
        const isOwn = options.own === true || options.kill === true;
        const { result, killed } = isOwn ? await runOnOwn(options, plan, bar) : await runOnTarget(options, plan);
        bar.end();
        process.stdout.write(renderResult(result, killed));
        process.exitCode = result.differences.length === 0 ? 0 : 1;
      } catch (error) {
        if (error instanceof LoadError) fail(error.message);
        throw error;
      }
    });
}

interface Ran {
  readonly result: ReplayResult;
  readonly killed: ReadonlyMap<string, number>;
}

async function runOnTarget(options: Options, plan: ReplayOptions): Promise<Ran> {
  const config = requireConfig();
  if (config.authSecret === undefined) fail('AUTH_SECRET is needed to make tokens for the clients of the replay', 2);
  const target: Target = {
    urls: (options.url ?? config.publicUrl).split(',').map((url) => url.trim()),
    databaseUrls: config.databaseUrls,
    authSecret: config.authSecret,
    authIssuer: config.authIssuer,
    authAudience: config.authAudience,
  };
  return { result: await replayRequests(target, plan), killed: new Map() };
}

async function runOnOwn(options: Options, plan: ReplayOptions, bar: ProgressBar): Promise<Ran> {
  const directory = join(ownFolder(), plan.namespace);
  const system = await OwnSystem.start({
    directory,
    cacheDirectory: join(ownFolder(), 'cache'),
    gateways: 2,
    schedulers: 2,
    workers: 2,
    environment: { MAIL_FOLDER: join(directory, 'mail') },
    report: (line) => bar.say(line),
  });
  let matches = false;
  try {
    const over = new AbortController();
    const random = createRandom(plan.seed, 'kills');
    const span = 10 * plan.windowSeconds * 1_000;
    const killing = killPrograms(system.programs, options.kill === true ? options.kills : 0, span, random, over.signal);
    killing.catch(() => undefined); // told below, when the replay has ended
    const result = await replayRequests(system, plan).finally(() => over.abort());
    matches = result.differences.length === 0;
    return { result, killed: await killing };
  } finally {
    await system.close(!matches);
    if (!matches) bar.say(`logs and data are kept in ${directory}`);
  }
}

function renderResult(result: ReplayResult, killed: ReadonlyMap<string, number>): string {
  const row = (name: string, value: string | number): string => `${name.padEnd(28)} ${value}`;
  const lines = [
    row('requests submitted', result.submitted),
    row('providers', result.providers),
    row('windows of four hours', result.windows),
    row('speed', `${result.speed} times, ${result.seconds.toFixed(1)} s`),
    row('digests by the calculation', result.digestsExpected),
    row('digests sent', result.digestsSent),
    row('mails sent', result.mails),
    row('answers asked for again', result.retries),
    ...[...killed].map(([kind, count]) => row(`killed: ${kind}`, count)),
    row('differences', result.differences.length),
    ...result.differences.slice(0, differencesShown).map((difference) => `  ${difference}`),
  ];
  return `${lines.join('\n')}\n`;
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
