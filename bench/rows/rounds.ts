import type { Bench, Run } from '../bench.ts';
import { ratios } from '../statistics.ts';
import type { Goal } from './row.ts';

/** Something that is measured in each round. */
export interface Entrant {
  readonly name: string;
  measure(): Promise<Run>;
}

/** The runs of each entrant by name, one for each round. */
export type Rounds = ReadonlyMap<string, readonly Run[]>;

/** A run during which others took more than this is measured again, a few times at most. */
const disturbedShare = 0.25;
const repeatsMax = 2;

/** Measures all in turn, round after round, so that what disturbs the machine for a while disturbs all of them. */
export async function alternate(bench: Bench, entrants: readonly Entrant[]): Promise<Rounds> {
  const rounds = new Map<string, Run[]>(entrants.map(({ name }) => [name, []]));
  for (let round = 1; round <= bench.options.effort.rounds; round += 1) {
    // Every second round goes backwards: nobody always follows the same neighbour.
    const order = round % 2 === 1 ? entrants : entrants.toReversed();
    for (const entrant of order) {
      const run = await measureUndisturbed(entrant);
      rounds.get(entrant.name)!.push(run);
      process.stderr.write(
        `  round ${round}: ${entrant.name} ${Math.round(run.rate)}/s${run.ranDry ? ' (ran dry)' : ''}\n`,
      );
    }
  }
  return rounds;
}

/** The least disturbed of a few runs; on a machine that rests, the first one. */
async function measureUndisturbed(entrant: Entrant): Promise<Run> {
  let best = await entrant.measure();
  for (let repeat = 0; repeat < repeatsMax && (best.others ?? 0) > disturbedShare; repeat += 1) {
    const run = await entrant.measure();
    if ((run.others ?? 0) < (best.others ?? 0)) best = run;
  }
  return best;
}

/** The ratio of two entrants' rates in each round; undefined when one of them was not measured. */
export function compareRates(rounds: Rounds, ours: string, theirs: string, atLeast?: number): Goal | undefined {
  const [above, below] = [rounds.get(ours), rounds.get(theirs)];
  if (above === undefined || below === undefined) return undefined;
  return {
    what: `rate of ${ours} / ${theirs}`,
    values: ratios(
      above.map((run) => run.rate),
      below.map((run) => run.rate),
    ),
    unit: '×',
    bound: atLeast === undefined ? undefined : { atLeast },
  };
}
