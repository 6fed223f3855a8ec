import type { LoadPlan, Progress } from '../../src/load/run-load.ts';

/** A small load for fault tests: long polls longer than anything may be stuck, so that nothing heals by asking again. */
export function planLoad(plan: Partial<LoadPlan> & Pick<LoadPlan, 'namespace' | 'seed'>): LoadPlan {
  return {
    runId: plan.namespace,
    cases: 300,
    auditors: 8,
    registrars: 4,
    leaseSeconds: 60,
    waitMs: 20_000,
    habits: { extends: 0, releases: 0, dawdles: 0, doubles: 0.05 },
    stallMs: 25_000,
    ...plan,
  };
}

/** Lets a fault wait for how far a load has got. */
export class ProgressGate {
  #progress: Progress = { registered: 0, decided: 0, cases: 0 };
  readonly #waiting = new Set<() => void>();

  readonly onProgress = (progress: Progress): void => {
    this.#progress = progress;
    for (const look of [...this.#waiting]) look();
  };

  get progress(): Progress {
    return this.#progress;
  }

  /** Resolves when the progress is so, or the load is over. */
  async passed(holds: (progress: Progress) => boolean, signal: AbortSignal): Promise<void> {
    if (holds(this.#progress) || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds(this.#progress) && !signal.aborted) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      signal.addEventListener('abort', look, { once: true });
    });
  }
}
