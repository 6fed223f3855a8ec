import type { Bench } from '../bench.ts';
import { ours } from '../contender.ts';
import type { PeerPlan } from '../peers/host.ts';
import type { RunningPeer } from '../peers/start.ts';
import { peerTitle, startPeers } from '../peers/start.ts';
import { QueueBench } from '../queue-bench.ts';
import type { Entrant, Rounds } from './rounds.ts';
import { alternate, compareRates } from './rounds.ts';
import type { Goal, Line, Row } from './row.ts';
import { noteOthers, toLine } from './row.ts';

const callers = 64;
/** Enough to keep two statements busy; more would only wait. */
const bulkCallers = 4;

const singly = `${ours}, one by one`;
const hundreds = `${ours}, 100 a call`;
const thousands = `${ours}, 1,000 a call`;
/** Long enough that what each page costs at its first change after a checkpoint is not all that is measured. */
const backlogWarmUpSeconds = 5;
/** What the client takes ahead of its handlers. */
const itemsAhead = 448;
const consuming = `${ours}, consume`;
const plainHundreds = `${ours}, 100 a call, topic without history`;
const plainThousands = `${ours}, 1,000 a call, topic without history`;

export const enqueue: Row = {
  name: 'enqueue',
  title: `enqueue: items of 200 bytes with random priorities, one by one from ${callers} callers, in calls of 100 and of 1,000`,
  run: (bench) =>
    withQueue(bench, async (queue, peers) => {
      const drive = (name: string, batch: number, count: number, history = true): Entrant => ({
        name,
        measure: () => queue.drive({ work: 'enqueue', batch, callers: count, history }),
      });
      const rounds = await alternate(bench, [
        drive(singly, 1, callers),
        drive(hundreds, 100, bulkCallers),
        drive(thousands, 1_000, bulkCallers),
        drive(plainThousands, 1_000, bulkCallers, false),
        ...peers.flatMap((peer) => [
          entrantOf(peer, 'enqueue', `${peer.name}, one by one`, callers),
          entrantOf(peer, 'fill', `${peer.name}, 1,000 a call`, 1),
        ]),
      ]);
      return {
        lines: toLines(rounds, 'items a second'),
        goals: peerGoals(rounds, [
          [singly, 'pg-boss', 'one by one', undefined],
          [singly, 'graphile-worker', 'one by one', undefined],
          [thousands, 'graphile-worker', '1,000 a call', 1.3],
          [thousands, 'pg-boss', '1,000 a call', 2],
          [plainThousands, 'graphile-worker', '1,000 a call', undefined],
        ]),
        notes: noteOthers([...rounds.values()].flat()),
      };
    }),
};

export const dequeue: Row = {
  name: 'dequeue',
  title: `dequeue, then ack: one by one from ${callers} callers, and in calls of 100`,
  run: (bench) =>
    withQueue(bench, async (queue, peers) => {
      const drive = (name: string, batch: number, count: number, history = true): Entrant => ({
        name,
        measure: () => queue.drive({ work: 'dequeue', batch, callers: count, history }),
      });
      const rounds = await alternate(bench, [
        drive(singly, 1, callers),
        drive(hundreds, 100, bulkCallers),
        drive(plainHundreds, 100, bulkCallers, false),
        ...peers.flatMap((peer) => [
          entrantOf(peer, 'take', `${peer.name}, one by one`, callers),
          ...(peer.name === peerTitle('graphile-worker')
            ? [entrantOf(peer, 'take in batches', `${peer.name}, local queue and batched completion`, callers)]
            : []),
        ]),
      ]);
      return {
        lines: toLines(rounds, 'items a second'),
        goals: peerGoals(rounds, [
          [singly, 'pg-boss', 'one by one', undefined],
          [singly, 'graphile-worker', 'one by one', undefined],
          [hundreds, 'graphile-worker', 'local queue and batched completion', 1],
          [plainHundreds, 'graphile-worker', 'local queue and batched completion', undefined],
        ]),
        notes: noteOthers([...rounds.values()].flat()),
      };
    }),
};

export const consume: Row = {
  name: 'consume',
  title: `the client for programs: a handler that does nothing, ${callers} at once, one item at a time for the user`,
  run: (bench) =>
    withQueue(bench, async (queue, peers) => {
      const rounds = await alternate(bench, [
        { name: consuming, measure: () => queue.drive({ work: 'consume', batch: itemsAhead, callers }) },
        ...peers.flatMap((peer) => [
          entrantOf(peer, 'take', `${peer.name}, one by one`, callers),
          ...(peer.name === peerTitle('graphile-worker')
            ? [entrantOf(peer, 'take in batches', `${peer.name}, local queue and batched completion`, callers)]
            : []),
        ]),
      ]);
      return {
        lines: toLines(rounds, 'items handled'),
        goals: peerGoals(rounds, [
          [consuming, 'pg-boss', 'one by one', 5],
          [consuming, 'graphile-worker', 'one by one', 1],
          [consuming, 'graphile-worker', 'local queue and batched completion', undefined],
        ]),
        notes: noteOthers([...rounds.values()].flat()),
      };
    }),
};

export const backlog: Row = {
  name: 'backlog',
  title: 'enqueue, dequeue and ack in calls of 100 while many items of random priority lie ready',
  async run(bench) {
    const sizes = bench.options.quick ? [1_000, 1_000_000] : [1_000, 100_000, 1_000_000];
    const queue = await QueueBench.open(bench);
    try {
      const nameOf = (size: number): string => `${ours}, ${size.toLocaleString('en')} ready`;
      const rounds = await alternate(
        bench,
        sizes.map((size) => ({
          name: nameOf(size),
          measure: () =>
            queue.drive({
              work: 'cycle',
              batch: 100,
              callers: bulkCallers,
              backlog: size,
              warmUpSeconds: backlogWarmUpSeconds,
            }),
        })),
      );
      const [least, ...more] = sizes.map(nameOf);
      return {
        lines: toLines(rounds, 'items a second; times of dequeue', 'dequeue'),
        goals: more.map((name) => compareRates(rounds, name, least!, 0.8)!),
        notes: noteOthers([...rounds.values()].flat()),
      };
    } finally {
      await queue.close();
    }
  },
};

export const delivery: Row = {
  name: 'delivery',
  title: 'from enqueue to delivery at a steady rate, counted from the moment when the item was due to be enqueued',
  async run(bench) {
    const queue = await QueueBench.open(bench);
    try {
      const rates = [200, 500];
      const rounds = await alternate(
        bench,
        rates.map((itemsPerSecond) => ({
          name: `${ours}, ${itemsPerSecond} a second`,
          measure: () => queue.drive({ work: 'deliver', batch: 1, callers, itemsPerSecond }),
        })),
      );
      const goals = [...rounds].flatMap(([name, runs]): Goal[] => [
        {
          what: `p50 of ${name}`,
          values: runs.map((run) => run.times.delivery!.p50),
          unit: 'ms',
          bound: { atMost: 2 },
        },
        {
          what: `p99 of ${name}`,
          values: runs.map((run) => run.times.delivery!.p99),
          unit: 'ms',
          bound: { atMost: 8 },
        },
      ]);
      return {
        lines: toLines(rounds, 'items delivered', 'delivery'),
        goals,
        notes: noteOthers([...rounds.values()].flat()),
      };
    } finally {
      await queue.close();
    }
  },
};

/** Opens the product as a queue and two peers, warms all up, and closes them. */
async function withQueue<Result>(
  bench: Bench,
  measure: (queue: QueueBench, peers: readonly RunningPeer[]) => Promise<Result>,
): Promise<Result> {
  const queue = await QueueBench.open(bench);
  const peers = await startPeers(bench, ['pg-boss', 'graphile-worker']);
  try {
    for (const batch of [1, 100])
      for (const work of ['enqueue', 'dequeue'] as const)
        await queue.drive({ work, batch, callers: batch === 1 ? callers : bulkCallers, measureSeconds: 1 });
    return await measure(queue, peers);
  } finally {
    for (const peer of peers) await peer.stop();
    await queue.close();
  }
}

function entrantOf(peer: RunningPeer, work: PeerPlan['work'], name: string, count: number): Entrant {
  return { name, measure: () => peer.measure(work, count) };
}

function toLines(rounds: Rounds, what: string, kind?: string): Line[] {
  return [...rounds].map(([who, runs]) => {
    const isOurs = who.startsWith(ours);
    return toLine(who, isOurs ? `${what}, over HTTP` : 'jobs a second, in process', runs, isOurs ? kind : undefined);
  });
}

function peerGoals(
  rounds: Rounds,
  wanted: readonly (readonly [string, 'pg-boss' | 'graphile-worker', string, number | undefined])[],
): Goal[] {
  return wanted.flatMap(([mine, peer, how, atLeast]) => {
    const name = `${peerTitle(peer)}, ${how}`;
    return compareRates(rounds, mine, name, atLeast) ?? [];
  });
}
