import { createRandom } from '../../src/load/random.ts';

/**
 * What one shard, one region and ten regions carry: a model of the processors that each operation needs, with the costs
 * of `bench/scale/measure.ts` and `npm run bench`, and a simulation of the waiting before them. See docs/scale.md.
 * `node bench/scale/simulate.ts [seed]`
 */

/** Microseconds of processor time. */
interface Cost {
  readonly gateway: number;
  /** On each shard that is asked beside the one that works. */
  readonly gatewayPerFurtherShard: number;
  readonly postgres: number;
  readonly postgresPerFurtherShard: number;
  /** At the leader of the stream; each copy costs its follower about as much. */
  readonly nats: number;
  readonly relay: number;
}

/** A life: registered, claimed, decided; or enqueued, dequeued and acknowledged in hundreds. HTTP is in `gateway`. */
const costs: Readonly<Record<string, Cost>> = {
  case: { gateway: 247, gatewayPerFurtherShard: 7, postgres: 83, postgresPerFurtherShard: 30, nats: 29, relay: 80 },
  // Three events of 27 µs for a hundred items: one event tells of all that a statement did alike.
  item: { gateway: 21, gatewayPerFurtherShard: 3, postgres: 43, postgresPerFurtherShard: 8, nats: 2, relay: 1 },
};

interface Installation {
  readonly name: string;
  readonly regions: number;
  readonly shardsPerRegion: number;
  /** Shards at which a claim looks. */
  readonly shardsAsked: number;
  readonly natsClusters: number;
}

/** Processors of one database, of the gateways for each shard, of one server of NATS for one stream, of one relay. */
const cores = { postgres: 8, gateways: 8, nats: 2, relay: 1 } as const;
/** Above this share the waiting grows without a bound worth having. */
const usableShare = 0.7;

interface Station {
  readonly name: string;
  readonly count: number;
  /** Work of one life at all stations of this name together. */
  readonly microseconds: number;
  readonly cores: number;
}

function stationsOf(installation: Installation, cost: Cost): readonly Station[] {
  const { regions, shardsPerRegion, shardsAsked, natsClusters } = installation;
  const shards = regions * shardsPerRegion;
  const further = shardsAsked - 1;
  return [
    {
      name: 'PostgreSQL',
      count: shards,
      microseconds: cost.postgres + further * cost.postgresPerFurtherShard,
      cores: cores.postgres,
    },
    {
      name: 'gateways',
      count: shards,
      microseconds: cost.gateway + further * cost.gatewayPerFurtherShard,
      cores: cores.gateways,
    },
    { name: 'stream leader in NATS', count: natsClusters, microseconds: cost.nats, cores: cores.nats },
    { name: 'event relay', count: shards, microseconds: cost.relay, cores: cores.relay },
  ];
}

/** Lives a second at which a station is used to the share that it can bear. */
function capacityOf({ count, microseconds, cores: processors }: Station): number {
  return (count * processors * 1_000_000 * usableShare) / microseconds;
}

/** The 99th percentile of the wait before the busiest station, in milliseconds: arrivals by chance, in steps of 1 ms. */
function simulateWait(station: Station, rate: number, random: () => number): number {
  const perStep = rate / station.count / 1_000;
  const capacity = (station.cores * 1_000) / station.microseconds;
  let backlog = 0;
  const waits: number[] = [];
  for (let step = 0; step < 60_000; step++) {
    backlog = Math.max(0, backlog + poisson(perStep, random) - capacity);
    waits.push(backlog / capacity);
  }
  return waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)]!;
}

/** Beyond thirty the normal distribution is near enough. */
function poisson(mean: number, random: () => number): number {
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let count = 0;
  for (let product = random(); product > Math.exp(-mean); product *= random()) count += 1;
  return count;
}

const installations: readonly Installation[] = [
  { name: 'one shard', regions: 1, shardsPerRegion: 1, shardsAsked: 1, natsClusters: 1 },
  { name: 'one region, 4 shards', regions: 1, shardsPerRegion: 4, shardsAsked: 4, natsClusters: 1 },
  { name: 'ten regions, 40 shards', regions: 10, shardsPerRegion: 4, shardsAsked: 40, natsClusters: 1 },
];

const seed = Number(process.argv[2] ?? 1);
console.log(`seed ${seed}\n`);
console.log('| installation | what | lives a second | breaks first | then | p99 wait at 70 % | at 95 % |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const installation of installations) {
  for (const [what, cost] of Object.entries(costs)) {
    // Items lie on their topic's home, and only consumers without work look further.
    const asked = what === 'case' ? installation.shardsAsked : 1;
    const stations = stationsOf({ ...installation, shardsAsked: asked }, cost);
    const ranked = stations.toSorted((a, b) => capacityOf(a) - capacityOf(b));
    const [first, second] = ranked as [Station, Station];
    const rate = capacityOf(first);
    const random = createRandom(seed, `${installation.name} ${what}`);
    const waits = [rate, (rate / usableShare) * 0.95].map((one) => simulateWait(first, one, random).toFixed(1));
    const then = `${second.name} (${Math.round(capacityOf(second)).toLocaleString('en')})`;
    console.log(
      `| ${installation.name} | ${what} | ${Math.round(rate).toLocaleString('en')} | ${first.name} | ${then} | ${waits[0]} ms | ${waits[1]} ms |`,
    );
  }
}
