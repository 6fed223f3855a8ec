import type { Bench } from '../bench.ts';
import { coalesced, ours, uncoalesced } from '../contender.ts';
import { peerTitle, startPeers } from '../peers/start.ts';
import { alternate, compareRates } from './rounds.ts';
import type { Line, Row } from './row.ts';
import { noteOthers, toLine } from './row.ts';

const callers = 64;

export const pairs: Row = {
  name: 'pairs',
  title: `claimNextCase, then decide: pairs of ${callers} auditors who hold one case at a time`,
  async run(bench: Bench) {
    const contenders = await bench.contenders();
    const peers = await startPeers(bench, ['pg-boss', 'graphile-worker', 'bullmq']);
    const peerNames = new Set(peers.map((peer) => peer.name));
    try {
      for (const contender of contenders) await bench.warmUp(contender, 'pairs', callers);
      for (const peer of peers) await peer.measure('take', callers, { warmUpSeconds: 0.5, measureSeconds: 0.5 });
      const rounds = await alternate(bench, [
        ...contenders.map((contender) => ({
          name: contender.name,
          measure: () => bench.drive(contender, 'pairs', callers),
        })),
        ...peers.map((peer) => ({ name: peer.name, measure: () => peer.measure('take', callers) })),
      ]);
      const lines = [...rounds].flatMap(([who, runs]): Line[] => {
        if (peerNames.has(who)) return [toLine(who, 'take and complete one by one, in process', runs)];
        const decides = { ...toLine(who, 'decide', runs, 'decide'), rates: [], cpu: {} };
        return [
          toLine(who, 'pairs over HTTP; times of claimNextCase', runs, 'claim'),
          { ...decides, what: 'times of decide' },
        ];
      });
      return {
        lines,
        goals: [
          compareRates(rounds, ours, coalesced, 0.5),
          compareRates(rounds, ours, uncoalesced),
          compareRates(rounds, ours, peerTitle('pg-boss'), 1),
          compareRates(rounds, ours, peerTitle('graphile-worker'), 1),
          compareRates(rounds, ours, peerTitle('bullmq'), 1),
        ].filter((goal) => goal !== undefined),
        notes: noteOthers([...rounds.values()].flat()),
      };
    } finally {
      for (const peer of peers) await peer.stop();
    }
  },
};
