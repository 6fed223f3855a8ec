import type { CrashPoint } from '../crash-point.ts';
import type { ChildProgram, ProgramKind } from './child-program.ts';
import type { Disturbance } from './history.ts';
import { driverClock } from './history.ts';
import { pause } from './load-client.ts';
import type { OwnSystem } from './own-system.ts';
import type { Random } from './random.ts';
import { pickOne } from './random.ts';

export const victimKinds = [
  'gateway',
  'gateway between steps',
  'scheduler',
  'worker',
  'nats-server',
  'nats-server wiped',
  'postgres',
] as const;
/**
 * What is killed. `between steps`: it dies at a crash point, which costs two kills, the first to start it so. `wiped`: its
 * store is gone when it comes back.
 */
export type VictimKind = (typeof victimKinds)[number];

/** How many of each are killed. */
export type SabotagePlan = Readonly<Partial<Record<VictimKind, number>>>;

interface Deed {
  readonly victim: VictimKind;
  /** At which share of the run's work, from 0 to 1. */
  readonly at: number;
  /** This long after that. */
  readonly delayMs: number;
}

/** Not at the very end: what is killed there has nothing left to spoil. */
const lastShare = 0.9;

/**
 * Chooses what is killed when: at random places of the run, spread over it, the same for the same seed.
 * @param delayMsMax how long after reaching its place a deed is done, at most
 */
export function planSabotage(plan: SabotagePlan, random: Random, delayMsMax = 50): readonly Deed[] {
  const victims = victimKinds.flatMap((kind) => Array.from({ length: plan[kind] ?? 0 }, () => kind));
  const shuffled = victims.map((victim) => ({ victim, order: random() })).sort((a, b) => a.order - b.order);
  return shuffled.map(({ victim }, index) => ({
    victim,
    at: ((index + random()) / shuffled.length) * lastShare,
    delayMs: Math.floor(random() * delayMsMax),
  }));
}

/** So many programs, half gateways and half schedulers; with servers, NATS and all it has and PostgreSQL once each, too. */
export function halfAndHalf(kills: number, servers: boolean): SabotagePlan {
  const one = servers ? 1 : 0;
  return { gateway: Math.ceil(kills / 2), scheduler: Math.floor(kills / 2), 'nats-server wiped': one, postgres: one };
}

/**
 * So many kills of programs for a run of the priority queue: one in four by a crash point (which is two), half of the
 * others schedulers. With servers, a third of all are theirs: PostgreSQL, nats-server, and nats-server with all it has.
 */
export function killsOfQueue(kills: number, servers: boolean): SabotagePlan {
  const ofServers = servers ? Math.round(kills / 3) : 0;
  const stepped = Math.round((kills - ofServers) / 8);
  const gateways = Math.round((kills - ofServers - 2 * stepped) / 2);
  const wiped = Math.round(ofServers / 4);
  const nats = Math.round(ofServers / 4);
  return {
    gateway: gateways,
    'gateway between steps': stepped,
    scheduler: kills - ofServers - 2 * stepped - gateways,
    'nats-server': nats,
    'nats-server wiped': wiped,
    postgres: ofServers - nats - wiped,
  };
}

/** Where the gateways of a run that is to see the priority queue die between steps. */
const crashPoints: readonly CrashPoint[] = [
  'enqueue_after_commit',
  'claim_after_commit',
  'ack_after_commit',
  'nack_after_commit',
];
/** How long an armed gateway may take to come to its crash point before it is killed as it stands. */
const armedMs = 10_000;

/** Kills processes of a system while a run goes on, and starts each of them again at once; others meanwhile. */
export class Saboteur {
  readonly #system: OwnSystem;
  readonly #deeds: readonly Deed[];
  readonly #random: Random;
  readonly #onDisturbance: (disturbance: Disturbance) => void;
  /** What is on its way up again: not to be killed before it is there. */
  readonly #restarts = new Map<unknown, Promise<void>>();
  #failure: unknown;
  readonly #done = new Map<VictimKind, number>();
  #share = 0;
  #wake: (() => void) | undefined;

  /** @param delayMsMax how long after its place in the run a deed is done, at most */
  constructor(
    system: OwnSystem,
    plan: SabotagePlan,
    random: Random,
    onDisturbance: (disturbance: Disturbance) => void,
    delayMsMax?: number,
  ) {
    this.#system = system;
    this.#random = random;
    this.#deeds = planSabotage(plan, random, delayMsMax);
    this.#onDisturbance = onDisturbance;
  }

  /** What was killed, and how often. */
  get done(): ReadonlyMap<VictimKind, number> {
    return this.#done;
  }

  get total(): number {
    return [...this.#done.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Tells how much of the run's work is done, from 0 to 1. */
  progress(share: number): void {
    this.#share = share;
    this.#wake?.();
  }

  /**
   * Does all deeds; resolves when everything runs again. The signal ends the waiting for what is yet to come.
   * @throws Error when something did not come up again
   */
  async run(signal: AbortSignal): Promise<void> {
    for (const deed of this.#deeds) {
      await this.#waitForShare(deed.at, signal);
      await pause(deed.delayMs, signal);
      if (signal.aborted || this.#failure !== undefined) break;
      await this.#kill(deed.victim);
    }
    await Promise.all(this.#restarts.values());
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #waitForShare(share: number, signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake, { once: true });
    while (this.#share < share && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    signal.removeEventListener('abort', wake);
  }

  async #kill(victim: VictimKind): Promise<void> {
    const system = this.#system;
    switch (victim) {
      case 'nats-server':
      case 'nats-server wiped':
        return this.#disturb(victim, 'nats-server', () => system.killNats({ wipe: victim === 'nats-server wiped' }));
      case 'postgres': {
        const shard = Math.floor(this.#random() * system.databaseUrls.length);
        return this.#disturb(victim, `postgres ${shard}`, () => system.killPostgres(shard));
      }
      case 'gateway between steps': {
        const crashPoint = pickOne(this.#random, crashPoints);
        return this.#killProgram('gateway', async (program) => {
          this.#count('gateway');
          await program.start({ CASELOAD_CRASH_AT: crashPoint });
          const timeUp = new AbortController();
          await Promise.race([program.exited, pause(armedMs, timeUp.signal)]);
          timeUp.abort();
          this.#count(program.running ? 'gateway' : victim);
          await program.kill();
          await program.start();
        });
      }
      default:
        return this.#killProgram(victim, (program) => {
          this.#count(victim);
          return program.start();
        });
    }
  }

  async #killProgram(kind: ProgramKind, startAgain: (program: ChildProgram) => Promise<void>): Promise<void> {
    let candidates = this.#idlePrograms(kind);
    while (candidates.length === 0) {
      // All of them are just being started again after earlier deeds.
      const starting = this.#system.programs.flatMap((program) => this.#restarts.get(program) ?? []);
      if (starting.length === 0) throw new Error(`no ${kind} runs that could be killed`);
      await Promise.race(starting);
      if (this.#failure !== undefined) return;
      candidates = this.#idlePrograms(kind);
    }
    const program = pickOne(this.#random, candidates);
    await program.kill();
    this.#restart(program, () => startAgain(program));
  }

  #idlePrograms(kind: ProgramKind): readonly ChildProgram[] {
    return this.#system.programs.filter(
      (program) => program.kind === kind && program.running && !this.#restarts.has(program),
    );
  }

  async #disturb(victim: VictimKind, server: string, action: () => Promise<void>): Promise<void> {
    await this.#restarts.get(server);
    const fromMs = driverClock();
    this.#count(victim);
    this.#restart(server, async () => {
      await action();
      this.#onDisturbance({ what: victim, fromMs, toMs: driverClock() });
    });
  }

  #restart(what: unknown, start: () => Promise<void>): void {
    const restart = start().then(
      () => void this.#restarts.delete(what),
      (error: unknown) => {
        this.#failure ??= error;
        this.#restarts.delete(what);
      },
    );
    this.#restarts.set(what, restart);
  }

  #count(victim: VictimKind): void {
    this.#done.set(victim, (this.#done.get(victim) ?? 0) + 1);
  }
}
