import { join } from 'node:path';
import { OwnSystem } from '../load/own-system.ts';
import { ProgressBar } from '../load/progress-bar.ts';
import { isQueueClean, renderQueueReport } from '../load/queue/queue-report.ts';
import type { QueueLoadHooks, QueueLoadPlan, QueueLoadResult } from '../load/queue/run-queue-load.ts';
import { runQueueLoad } from '../load/queue/run-queue-load.ts';
import { createRandom } from '../load/random.ts';
import type { Target } from '../load/run-load.ts';
import type { SabotagePlan } from '../load/saboteur.ts';
import { Saboteur } from '../load/saboteur.ts';
import { ownFolder } from './surroundings.ts';

export interface QueueLoadWishes {
  readonly runId: string;
  readonly namespace: string;
  readonly items: number;
  readonly producers: number;
  readonly consumers: number;
  readonly seed: number;
  /** Databases of a system of its own. */
  readonly shards: number;
  /** What is killed there; undefined: nothing, on the system that runs. */
  readonly sabotage: SabotagePlan | undefined;
}

/** Between two deeds, at most; so two hundred take some minutes. */
const betweenKillsMs = 1_500;

/** Loads the priority queue, on the system that runs or with kills on one of its own. @returns whether all was well */
export async function loadQueue(wishes: QueueLoadWishes, target: () => Target): Promise<boolean> {
  const bar = new ProgressBar(
    process.stderr,
    ({ registered, decided, cases }) => `enqueued ${registered}, handled ${decided} of ${cases}`,
  );
  const onProgress: QueueLoadHooks['onProgress'] = ({ enqueued, acked, items }) =>
    bar.show({ registered: enqueued, decided: acked, cases: Math.max(items, enqueued) });
  const plan = planQueueLoad(wishes);
  bar.say(`seed ${plan.seed}`);
  const finish = (result: QueueLoadResult, saboteur?: Saboteur): boolean => {
    bar.end();
    process.stdout.write(renderQueueReport(result, saboteur?.done));
    return isQueueClean(result);
  };
  const { sabotage } = wishes;
  if (sabotage === undefined) return finish(await runQueueLoad(plan, target(), { onProgress }));
  const directory = join(ownFolder(), wishes.runId);
  const system = await OwnSystem.start({
    directory,
    cacheDirectory: join(ownFolder(), 'cache'),
    gateways: 2,
    schedulers: 2,
    shards: wishes.shards,
    report: (line) => bar.say(line),
  });
  let clean = false;
  try {
    let saboteur: Saboteur | undefined;
    const result = await runQueueLoad(plan, system, {
      onProgress,
      alongside: (history, signal) => {
        const onDisturbance = history.disturbances.push.bind(history.disturbances);
        const random = createRandom(plan.seed, 'sabotage');
        saboteur = new Saboteur(system, sabotage, random, onDisturbance, betweenKillsMs);
        saboteur.progress(1); // at random moments of the time, however far the load is
        return saboteur.run(signal);
      },
    });
    clean = finish(result, saboteur);
    return clean;
  } finally {
    await system.close(!clean);
    if (!clean) bar.say(`logs and data are kept in ${directory}`);
  }
}

function planQueueLoad({ namespace, items, producers, consumers, seed, sabotage }: QueueLoadWishes): QueueLoadPlan {
  const isQuiet = sabotage === undefined;
  return {
    namespace,
    items,
    producers,
    consumers,
    batchMax: isQuiet ? 100 : 10,
    topics: 3,
    leaseSeconds: isQuiet ? 60 : 3,
    waitMs: 5_000,
    backlogMax: isQuiet ? 10_000 : 300,
    habits: isQuiet
      ? { fails: 0, lingers: 0, doubles: 0, dawdlers: 0 }
      : { fails: 0.05, lingers: 0.001, doubles: 0.05, dawdlers: 2 },
    seed,
    stallMs: 60_000,
    stuckRule: { freeMsMax: 5_000, recoveryMs: 5_000 },
  };
}
