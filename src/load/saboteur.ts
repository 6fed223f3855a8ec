import type { ChildProgram, ProgramKind } from './child-program.ts';
import type { Disturbance } from './history.ts';
import { driverClock } from './history.ts';
import { pause } from './load-client.ts';
import type { OwnSystem } from './own-system.ts';
import type { Random } from './random.ts';
import { pickOne } from './random.ts';

export const victimKinds = ['gateway', 'scheduler', 'nats-server', 'postgres'] as const;
export type VictimKind = (typeof victimKinds)[number];

export interface SabotagePlan {
  /** How many gateways and schedulers are killed, half and half. */
  readonly kills: number;
  /** Also kills nats-server with its store, and PostgreSQL, once each. */
  readonly servers: boolean;
}

interface Deed {
  readonly victim: VictimKind;
  /** At which share of the run's work, from 0 to 1. */
  readonly at: number;
  /** This long after that. */
  readonly delayMs: number;
}

/** Not at the very end: what is killed there has nothing left to spoil. */
const lastShare = 0.9;
const delayMsMax = 50;

/** Chooses what is killed when: at random places of the run, spread over it, the same for the same seed. */
export function planSabotage(plan: SabotagePlan, random: Random): readonly Deed[] {
  const victims: VictimKind[] = Array.from({ length: plan.kills }, (_, index) =>
    index % 2 === 0 ? 'gateway' : 'scheduler',
  );
  if (plan.servers) victims.push('nats-server', 'postgres');
  const shuffled = victims.map((victim) => ({ victim, order: random() })).sort((a, b) => a.order - b.order);
  return shuffled.map(({ victim }, index) => ({
    victim,
    at: ((index + random()) / shuffled.length) * lastShare,
    delayMs: Math.floor(random() * delayMsMax),
  }));
}

/** Kills processes of a system while a run goes on, and starts each of them again at once. */
export class Saboteur {
  readonly #system: OwnSystem;
  readonly #deeds: readonly Deed[];
  readonly #random: Random;
  readonly #onDisturbance: (disturbance: Disturbance) => void;
  readonly #restarts: Promise<void>[] = [];
  #failure: unknown;
  readonly #done = new Map<VictimKind, number>();
  #share = 0;
  #wake: (() => void) | undefined;

  constructor(
    system: OwnSystem,
    plan: SabotagePlan,
    random: Random,
    onDisturbance: (disturbance: Disturbance) => void,
  ) {
    this.#system = system;
    this.#random = random;
    this.#deeds = planSabotage(plan, random);
    this.#onDisturbance = onDisturbance;
  }

  /** What was killed, and how often. */
  get done(): ReadonlyMap<VictimKind, number> {
    return this.#done;
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
      if (signal.aborted) break;
      await this.#kill(deed.victim);
    }
    await Promise.all(this.#restarts);
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
    if (victim === 'nats-server') await this.#disturb(victim, () => this.#system.wipeNats());
    else if (victim === 'postgres') await this.#disturb(victim, () => this.#system.killPostgres());
    else await this.#killProgram(victim);
    this.#done.set(victim, (this.#done.get(victim) ?? 0) + 1);
  }

  async #killProgram(kind: ProgramKind): Promise<void> {
    let candidates = this.#runningPrograms(kind);
    if (candidates.length === 0) {
      // All of them are just being started again after earlier deeds.
      await Promise.all(this.#restarts);
      candidates = this.#runningPrograms(kind);
    }
    if (candidates.length === 0) throw new Error(`no ${kind} runs that could be killed`);
    const program = pickOne(this.#random, candidates);
    await program.kill();
    const restart = program.start().catch((error: unknown) => {
      this.#failure ??= error;
    });
    this.#restarts.push(restart);
  }

  #runningPrograms(kind: ProgramKind): readonly ChildProgram[] {
    return this.#system.programs.filter((program) => program.kind === kind && program.running);
  }

  async #disturb(what: string, action: () => Promise<void>): Promise<void> {
    const fromMs = driverClock();
    await action();
    this.#onDisturbance({ what, fromMs, toMs: driverClock() });
  }
}
