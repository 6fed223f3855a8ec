import type { Bench } from '../bench.ts';
import { coalesced, ours } from '../contender.ts';
import { alternate, compareRates } from './rounds.ts';
import type { Row } from './row.ts';
import { noteOthers, toLine } from './row.ts';

const callers = 64;
const submitting = `${ours}, submitRequest`;
const registering = `${ours}, register`;

export const submit: Row = {
  name: 'submit',
  title: `submitRequest: a request, its place in the open digest, its customer and its event; ${callers} callers`,
  async run(bench: Bench) {
    const contenders = await bench.contenders();
    const product = contenders.find((contender) => contender.name === ours)!;
    const floor = contenders.find((contender) => contender.name === coalesced)!;
    await bench.warmUp(product, 'submit', callers);
    await bench.warmUp(product, 'register', callers);
    await bench.warmUp(floor, 'register', callers);
    const rounds = await alternate(bench, [
      { name: submitting, measure: () => bench.drive(product, 'submit', callers) },
      { name: registering, measure: () => bench.drive(product, 'register', callers) },
      { name: coalesced, measure: () => bench.drive(floor, 'register', callers) },
    ]);
    return {
      lines: [...rounds].map(([who, runs]) =>
        toLine(who, who === submitting ? 'submitRequest over HTTP' : 'register over HTTP', runs),
      ),
      goals: [compareRates(rounds, submitting, coalesced, 0.4), compareRates(rounds, submitting, registering)].filter(
        (goal) => goal !== undefined,
      ),
      notes: noteOthers([...rounds.values()].flat()),
    };
  },
};
