import type { Service } from '../lifecycle.ts';
import type { Logger } from '../log.ts';

/**
 * Does one step again and again, one at a time. The step says how long to wait until the next; after an error that is
 * a second. `wake` starts the next step at once.
 */
export class Repeating implements Service {
  readonly name: string;
  readonly #step: (signal: AbortSignal) => Promise<number>;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #endPause: (() => void) | undefined;
  #woken = false;

  constructor(name: string, log: Logger, step: (signal: AbortSignal) => Promise<number>) {
    this.name = name;
    this.#step = step;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endPause?.();
    await this.#loop;
  }

  wake(): void {
    this.#woken = true;
    this.#endPause?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      this.#woken = false;
      let pause = 1_000;
      try {
        pause = await this.#step(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        // One line when trouble starts; what goes on every second after that is detail.
        this.#log[failures === 1 ? 'warn' : 'debug'](
          { err: error, service: this.name },
          'a step failed; it is tried again',
        );
      }
      if (!signal.aborted && !this.#woken) await this.#pause(pause);
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#endPause?.(), milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        this.#endPause = undefined;
        resolve();
      };
    });
  }
}
