import { issueToken } from '../src/auth/tokens.ts';
import type { Bench, Run } from './bench.ts';
import { profileArgs } from './bench.ts';
import type { Child } from './child.ts';
import { startChild } from './child.ts';
import type { Contender } from './contender.ts';
import { authSecret, startOurs } from './contender.ts';
import { namespace } from './operations.ts';
import type { QueuePlan } from './queue-driver.ts';
import { Workbench } from './workbench.ts';

type Wish = Pick<QueuePlan, 'work' | 'callers' | 'batch'> & {
  readonly itemsPerSecond?: number;
  /** Items that lie ready when it begins; for `dequeue` what the time may need. */
  readonly backlog?: number;
  readonly warmUpSeconds?: number;
  readonly measureSeconds?: number;
  /** Whether the topic keeps a history; true, the default of topics, without it. */
  readonly history?: boolean;
};

/** For a run that takes more than was laid out, before anything is known. */
const firstGuess = 20_000;
const reserve = 1.5;

/** The product as a queue, on servers of its own, and the driver of its operations. */
export class QueueBench {
  readonly #bench: Bench;
  readonly #contender: Contender;
  readonly #driver: Child;
  readonly #token: string;
  readonly #rates = new Map<string, number>();

  private constructor(bench: Bench, contender: Contender, driver: Child, token: string) {
    this.#bench = bench;
    this.#contender = contender;
    this.#driver = driver;
    this.#token = token;
  }

  static async open(bench: Bench): Promise<QueueBench> {
    const token = await issueToken({
      subject: 'bench',
      namespace,
      roles: ['producer', 'consumer'],
      secret: authSecret,
      expiresInSeconds: 86_400,
    });
    const gatewayNodeArgs = bench.options.profile ? profileArgs : [];
    const contender = await startOurs(bench.stage, await Workbench.open(bench.stage, 'queue'), { gatewayNodeArgs });
    const driver = await startChild({ module: 'bench/queue-driver.ts', name: 'queue driver', environment: {} });
    return new QueueBench(bench, contender, driver, token);
  }

  /** Lays out items and drives the gateway; rates are items a second. */
  async drive(wish: Wish): Promise<Run> {
    const { effort } = this.#bench.options;
    const measureSeconds = wish.measureSeconds ?? effort.measureSeconds;
    const key = `${wish.work} ${wish.batch} ${wish.callers} ${wish.history ?? true}`;
    const warmUpSeconds = wish.warmUpSeconds ?? effort.warmUpSeconds;
    const seconds = warmUpSeconds + measureSeconds;
    const backlog =
      wish.backlog ??
      (wish.work === 'dequeue' || wish.work === 'consume'
        ? Math.ceil((this.#rates.get(key) ?? firstGuess) * seconds)
        : 0);
    await this.#contender.workbench.layOutItems(backlog, wish.history ?? true);
    const plan: QueuePlan = {
      port: this.#contender.port,
      token: this.#token,
      work: wish.work,
      callers: wish.callers,
      batch: wish.batch,
      itemsPerSecond: wish.itemsPerSecond ?? 0,
      warmUpSeconds,
      measureSeconds,
    };
    const groups = [
      ...this.#contender.cpu,
      { name: 'NATS', pids: [this.#contender.workbench.natsPid] },
      { name: 'driver', pids: [this.#driver.pid] },
    ];
    const run = await this.#bench.measure(this.#driver, { ...plan }, groups);
    this.#rates.set(key, Math.max(this.#rates.get(key) ?? firstGuess / 2, run.rate * reserve));
    await this.#contender.workbench.clear();
    return run;
  }

  async close(): Promise<void> {
    await this.#driver.stop();
    await this.#contender.stop();
    await this.#contender.workbench.close();
  }
}
