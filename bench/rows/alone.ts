import type { Bench, Run, Work } from '../bench.ts';
import { ours, uncoalesced } from '../contender.ts';
import { ratios } from '../statistics.ts';
import type { Rounds } from './rounds.ts';
import { alternate, compareRates } from './rounds.ts';
import type { Goal, Row } from './row.ts';
import { noteOthers, toLine } from './row.ts';

/** Nobody to share a statement with: coalescing must not make anyone wait. */
export const alone: Row = {
  name: 'alone',
  title: 'one caller alone',
  async run(bench: Bench) {
    const registered = await measure(bench, 'register');
    const paired = await measure(bench, 'pairs');
    return {
      lines: [
        ...[...registered].map(([who, runs]) => toLine(who, 'register', runs)),
        ...[...paired].map(([who, runs]) => ({ ...toLine(who, 'claimNextCase (rate of pairs)', runs, 'claim') })),
        ...[...paired].map(([who, runs]) => ({ ...toLine(who, 'decide', runs, 'decide'), rates: [], cpu: {} })),
      ],
      goals: [
        withWord('register: ', compareRates(registered, ours, uncoalesced, 0.85)),
        withWord('pairs: ', compareRates(paired, ours, uncoalesced, 0.85)),
        compareTimes(registered, 'register'),
        compareTimes(paired, 'claim'),
        compareTimes(paired, 'decide'),
      ].filter((goal) => goal !== undefined),
      notes: noteOthers([...registered.values(), ...paired.values()].flat()),
    };
  },
};

async function measure(bench: Bench, work: Work): Promise<Rounds> {
  const contenders = await bench.contenders();
  for (const contender of contenders) await bench.warmUp(contender, work, 1);
  return alternate(
    bench,
    contenders.map((contender) => ({ name: contender.name, measure: () => bench.drive(contender, work, 1) })),
  );
}

function withWord(word: string, goal: Goal | undefined): Goal | undefined {
  return goal === undefined ? undefined : { ...goal, what: `${word}${goal.what}` };
}

function compareTimes(rounds: Rounds, kind: string): Goal {
  const p50 = (name: string): number[] =>
    (rounds.get(name) ?? []).map((run: Run) => run.times[kind]?.p50 ?? Number.NaN);
  return {
    what: `${kind}: median time of ${uncoalesced} / ${ours}`,
    values: ratios(p50(uncoalesced), p50(ours)),
    unit: '×',
    bound: { atLeast: 0.85 },
  };
}
