import type { Child } from './child.ts';
import { ask, startChild } from './child.ts';
import type { Contender } from './contender.ts';
import { issueTokens, startContenders, stopAll } from './contender.ts';
import type { CpuGroup } from './cpu.ts';
import { cpuPerOperation, othersShare, readMachine, waitForQuiet } from './cpu.ts';
import type { DrivePlan } from './driver.ts';
import { applicantName, auditorName, producerName } from './operations.ts';
import type { BenchOptions } from './options.ts';
import type { Measurement } from './recorder.ts';
import type { Stage } from './stage.ts';

export type Work = DrivePlan['work'];

/** One measured run, with the processor time that each group used for one operation, in microseconds. */
export interface Run extends Measurement {
  readonly rate: number;
  readonly cpu: ReadonlyMap<string, number>;
  /** The part of the processors that others took meanwhile, where that is known. */
  readonly others: number | undefined;
}

export interface RunOptions {
  readonly warmUpSeconds?: number;
  readonly measureSeconds?: number;
  /** Operations to lay out for each second; what earlier runs suggest when not given. */
  readonly operationsPerSecond?: number;
  /** Called when the warm-up is over. */
  readonly onMeasuring?: () => void;
}

const driverName = 'driver';
/** Before anything is known: operations a second to lay out, for many callers and for one. */
const guesses: Readonly<Record<Work, { readonly many: number; readonly one: number }>> = {
  register: { many: 16_000, one: 4_000 },
  submit: { many: 16_000, one: 4_000 },
  pairs: { many: 8_000, one: 2_500 },
};
const reserve = 1.6;
const quietSecondsMax = 5;

/** What the rows work with: the stage, the contenders on it, and the one driver of HTTP requests. */
export class Bench {
  readonly options: BenchOptions;
  readonly stage: Stage;
  readonly #driver: Child;
  readonly #rates = new Map<string, number>();
  #contenders: Promise<Contender[]> | undefined;
  #runs = 0;

  private constructor(options: BenchOptions, stage: Stage, driver: Child) {
    this.options = options;
    this.stage = stage;
    this.#driver = driver;
  }

  static async open(options: BenchOptions, stage: Stage): Promise<Bench> {
    const driver = await startChild({ module: 'bench/driver.ts', name: driverName, environment: {} });
    return new Bench(options, stage, driver);
  }

  /** The product and its floors, started when first asked for. */
  contenders(): Promise<Contender[]> {
    this.#contenders ??= startContenders(this.stage, this.options.profile ? profileArgs : []);
    return this.#contenders;
  }

  /** Lays out work for a contender and drives it over HTTP in a closed loop. */
  async drive(contender: Contender, work: Work, callers: number, options: RunOptions = {}): Promise<Run> {
    const { effort } = this.options;
    const warmUpSeconds = options.warmUpSeconds ?? effort.warmUpSeconds;
    const measureSeconds = options.measureSeconds ?? effort.measureSeconds;
    const key = `${contender.name} ${work} ${callers}`;
    const guess = guesses[work][callers === 1 ? 'one' : 'many'];
    const perSecond = options.operationsPerSecond ?? this.#rates.get(key) ?? guess;
    const perCaller = Math.ceil((perSecond * (warmUpSeconds + measureSeconds)) / callers);
    this.#runs += 1;
    const plan: DrivePlan = {
      port: contender.port,
      work,
      tokens: await this.#tokens(work, callers),
      warmUpSeconds,
      measureSeconds,
      run: this.#runs,
      documentsPerCaller: perCaller,
    };
    if (work === 'register') await contender.workbench.layOutDocuments(this.#runs, callers, perCaller);
    else if (work === 'submit') await contender.workbench.layOutProviders();
    else await contender.workbench.layOutCases(perCaller * callers);
    const groups = [
      ...contender.cpu,
      { name: 'NATS', pids: [contender.workbench.natsPid] },
      { name: driverName, pids: [this.#driver.pid] },
    ];
    const run = await this.measure(this.#driver, plan, groups, options.onMeasuring);
    // Never less than before: a slow run may only have had a busy neighbour.
    this.#rates.set(key, Math.max(this.#rates.get(key) ?? guess / 2, run.rate * reserve));
    // What follows the commits (the relay of events) must not go on into the next contender's time.
    await contender.workbench.clear();
    return run;
  }

  /** One run of `drive` that counts for nothing but warm caches, compiled code and a known rate. */
  async warmUp(contender: Contender, work: Work, callers: number): Promise<void> {
    await this.drive(contender, work, callers, { warmUpSeconds: 1, measureSeconds: 1 });
  }

  /** Has a child measure, and reads what processor time everyone took meanwhile. */
  async measure(
    child: Child,
    plan: Parameters<typeof ask>[1],
    groups: readonly CpuGroup[],
    onMeasuring: () => void = () => undefined,
  ): Promise<Run> {
    const all = [...groups, this.stage.postgres];
    await waitForQuiet(quietSecondsMax);
    let before = readMachine(all);
    const measurement = await ask<Measurement>(child, plan, () => {
      before = readMachine(all);
      onMeasuring();
    });
    const after = readMachine(all);
    return {
      ...measurement,
      rate: measurement.operations / measurement.seconds,
      cpu: cpuPerOperation(before.groups, after.groups, measurement.operations),
      others: othersShare(before, after),
    };
  }

  async close(): Promise<void> {
    await this.#driver.stop();
    // A start that failed has cleaned up after itself and has been told of already.
    await stopAll((await this.#contenders?.catch(() => [])) ?? []);
  }

  #tokens(work: Work, callers: number): Promise<string[]> {
    if (work === 'submit') return issueTokens(callers, 'producer', producerName);
    return work === 'register'
      ? issueTokens(callers, 'applicant', applicantName)
      : issueTokens(callers, 'auditor', auditorName);
  }
}

export const profileArgs = ['--cpu-prof', '--cpu-prof-dir=bench/results/profile', '--cpu-prof-interval=500'];
