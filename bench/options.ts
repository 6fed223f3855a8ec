import { parseArgs } from 'node:util';

/** How long and how often things are measured. */
export interface Effort {
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly measureSeconds: number;
  readonly snapshotSeconds: number;
  readonly snapshotRounds: number;
  readonly idleSeconds: number;
  readonly starts: number;
}

export interface BenchOptions {
  readonly quick: boolean;
  readonly effort: Effort;
  /** Names of the rows to run; empty for all. */
  readonly only: readonly string[];
  readonly peers: boolean;
  /** Writes a CPU profile of the gateway and the time of each statement beside the results. */
  readonly profile: boolean;
  /** Puts the table into docs/performance.md. */
  readonly publish: boolean;
}

const quickEffort: Effort = {
  rounds: 3,
  warmUpSeconds: 0.5,
  measureSeconds: 1.5,
  snapshotSeconds: 15,
  snapshotRounds: 1,
  idleSeconds: 20,
  starts: 2,
};

const fullEffort: Effort = {
  rounds: 5,
  warmUpSeconds: 1,
  measureSeconds: 4,
  snapshotSeconds: 45,
  snapshotRounds: 2,
  idleSeconds: 20,
  starts: 3,
};

export const usage = `npm run bench -- [--quick] [--only <row>]... [--no-peers] [--profile] [--publish]

  --quick      about three minutes instead of ten
  --only       one row, or several, by name
  --no-peers   leaves out the other job queues (they are installed on first use)
  --profile    also writes a CPU profile of the gateway and the time of each statement; slows things down a little
  --publish    puts the table into docs/performance.md`;

/**
 * Reads the command line.
 * @throws TypeError that names what it does not understand
 */
export function readOptions(args: readonly string[]): BenchOptions & { readonly help: boolean } {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      peers: { type: 'boolean', default: true },
      profile: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return { ...values, effort: values.quick ? quickEffort : fullEffort };
}
