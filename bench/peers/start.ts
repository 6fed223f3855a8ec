import { readFileSync } from 'node:fs';
import type { Bench, Run } from '../bench.ts';
import type { Child } from '../child.ts';
import { startChild } from '../child.ts';
import { requireDurable } from '../stage.ts';
import type { PeerName, PeerPlan } from './host.ts';

/** A peer in its process, with a database of its own on the common PostgreSQL. */
export interface RunningPeer {
  readonly name: string;
  measure(
    work: PeerPlan['work'],
    callers: number,
    effort?: { warmUpSeconds: number; measureSeconds: number },
  ): Promise<Run>;
  stop(): Promise<void>;
}

const titles: Readonly<Record<PeerName, string>> = {
  'pg-boss': 'pg-boss',
  'graphile-worker': 'graphile-worker',
  bullmq: 'BullMQ on PostgreSQL',
};

/** The name under which a peer stands in the tables, with the version that is installed. */
export function peerTitle(name: PeerName): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
  return `${titles[name]} (${dependencies[name]})`;
}

const firstGuess = 5_000;
/** For what takes them in batches: enough for the fastest machine. */
const firstBulkGuess = 60_000;
const reserve = 1.6;

export async function startPeer(bench: Bench, name: PeerName): Promise<RunningPeer> {
  const url = await bench.stage.createDatabase(`bench_${name.replace('-', '_')}`, false);
  await requireDurable(url);
  const child = await startChild({
    module: 'bench/peers/host.ts',
    name,
    environment: { NODE_ENV: 'production', PEER_NAME: name, PEER_DATABASE_URL: url },
  });
  const rates = new Map<string, number>();
  return {
    name: peerTitle(name),
    async measure(work, callers, effort = bench.options.effort) {
      const { warmUpSeconds, measureSeconds } = effort;
      const key = `${work} ${callers}`;
      const guess = work === 'take in batches' ? firstBulkGuess : firstGuess;
      const jobs = Math.ceil((rates.get(key) ?? guess) * (warmUpSeconds + measureSeconds));
      const run = await measureIn(bench, child, { work, callers, warmUpSeconds, measureSeconds, jobs });
      rates.set(key, Math.max(rates.get(key) ?? guess / 2, run.rate * reserve));
      return run;
    },
    stop: child.stop,
  };
}

export async function startPeers(bench: Bench, names: readonly PeerName[]): Promise<RunningPeer[]> {
  const peers: RunningPeer[] = [];
  if (!bench.options.peers) return peers;
  try {
    for (const name of names) peers.push(await startPeer(bench, name));
    return peers;
  } catch (error) {
    for (const peer of peers) await peer.stop();
    throw error;
  }
}

function measureIn(bench: Bench, child: Child, plan: PeerPlan): Promise<Run> {
  return bench.measure(child, { ...plan }, [{ name: 'server', pids: [child.pid] }]);
}
