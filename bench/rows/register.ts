import type { Bench } from '../bench.ts';
import { coalesced, ours, uncoalesced } from '../contender.ts';
import { peerTitle, startPeers } from '../peers/start.ts';
import { alternate, compareRates } from './rounds.ts';
import type { Row } from './row.ts';
import { noteOthers, toLine } from './row.ts';

const callers = 64;

export const register: Row = {
  name: 'register',
  title: `register: a case with a document, its event, its item and its ticket; ${callers} callers`,
  async run(bench: Bench) {
    const contenders = await bench.contenders();
    const peers = await startPeers(bench, ['pg-boss', 'graphile-worker']);
    try {
      for (const contender of contenders) await bench.warmUp(contender, 'register', callers);
      for (const peer of peers) await peer.measure('enqueue', callers, { warmUpSeconds: 0.5, measureSeconds: 0.5 });
      const rounds = await alternate(bench, [
        ...contenders.map((contender) => ({
          name: contender.name,
          measure: () => bench.drive(contender, 'register', callers),
        })),
        ...peers.map((peer) => ({ name: peer.name, measure: () => peer.measure('enqueue', callers) })),
      ]);
      return {
        lines: [...rounds].map(([who, runs]) =>
          toLine(
            who,
            peers.some((peer) => peer.name === who) ? 'enqueue one job, in process' : 'register over HTTP',
            runs,
          ),
        ),
        goals: [
          compareRates(rounds, ours, coalesced, 0.6),
          compareRates(rounds, ours, uncoalesced, 1.2),
          compareRates(rounds, ours, peerTitle('pg-boss'), 2.5),
          compareRates(rounds, ours, peerTitle('graphile-worker'), 4),
        ].filter((goal) => goal !== undefined),
        notes: noteOthers([...rounds.values()].flat()),
      };
    } finally {
      for (const peer of peers) await peer.stop();
    }
  },
};
