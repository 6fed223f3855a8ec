import { Client } from 'pg';
import type { Bench, Run } from '../bench.ts';
import type { Contender } from '../contender.ts';
import { ours } from '../contender.ts';
import { ratios } from '../statistics.ts';
import type { Line, Row } from './row.ts';
import { noteOthers, toLine } from './row.ts';

const callers = 64;
/** The last part of the time, when the most dead rows lie in the way. */
const lastPart = 1 / 3;

/** An old snapshot keeps dead rows from being removed: a queue that walks over them becomes slower and slower. */
export const heldSnapshot: Row = {
  name: 'held-snapshot',
  title: 'an old snapshot held under load',
  async run(bench: Bench) {
    const { snapshotSeconds, snapshotRounds } = bench.options.effort;
    const contender = (await bench.contenders()).find(({ name }) => name === ours)!;
    await bench.warmUp(contender, 'pairs', callers);
    const free: Run[] = [];
    const held: Run[] = [];
    const operationsPerSecond = 1.5 * (await bench.drive(contender, 'pairs', callers)).rate;
    const drive = (onMeasuring?: () => void): Promise<Run> =>
      bench.drive(contender, 'pairs', callers, {
        warmUpSeconds: 1,
        measureSeconds: snapshotSeconds,
        operationsPerSecond,
        onMeasuring,
      });
    for (let round = 0; round < snapshotRounds; round += 1) {
      free.push(await drive());
      held.push(await withSnapshot(contender, drive));
      process.stderr.write(
        `  round ${round + 1}: ${describe(free.at(-1)!)} without, ${describe(held.at(-1)!)} with a snapshot\n`,
      );
    }
    return {
      lines: [toSnapshotLine('without', free), toSnapshotLine(`with one held for ${snapshotSeconds} s`, held)],
      goals: [
        {
          what: 'rate with a snapshot / without, in the last third of the time',
          values: ratios(held.map(lateRate), free.map(lateRate)),
          unit: '×',
          bound: { atLeast: 0.7 },
        },
        {
          what: 'rate with a snapshot / without, over the whole time',
          values: ratios(
            held.map(({ rate }) => rate),
            free.map(({ rate }) => rate),
          ),
          unit: '×',
          bound: undefined,
        },
      ],
      notes: [
        ...noteOthers([...free, ...held]),
        ...([...free, ...held].some(({ ranDry }) => ranDry) ? ['A run ended early because the cases ran out.'] : []),
      ],
    };
  },
};

/** Holds one REPEATABLE READ snapshot from the moment the measuring begins until it ends. */
async function withSnapshot(contender: Contender, drive: (onMeasuring: () => void) => Promise<Run>): Promise<Run> {
  const client = new Client({ connectionString: contender.workbench.databaseUrl, application_name: 'bench snapshot' });
  await client.connect();
  let taken: Promise<unknown> | undefined;
  try {
    return await drive(() => {
      taken = client
        .query('begin isolation level repeatable read')
        .then(() => client.query('select count(*) from topics'));
      // Only reported below: the run itself must go on to its end.
      taken.catch(() => undefined);
    });
  } finally {
    await taken;
    await client.end();
  }
}

function toSnapshotLine(what: string, runs: readonly Run[]): Line {
  return { ...toLine(ours, `pairs, ${what}; times of claimNextCase`, runs, 'claim'), rates: runs.map(lateRate) };
}

function lateRate({ perSecond }: Run): number {
  const whole = perSecond.slice(0, -1);
  const late = whole.slice(-Math.max(1, Math.round(whole.length * lastPart)));
  return late.reduce((sum, count) => sum + count, 0) / late.length;
}

function describe(run: Run): string {
  return `${Math.round(lateRate(run))}/s`;
}
