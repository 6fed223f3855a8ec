import type { Progress } from './run-load.ts';

const barWidth = 30;
const barMs = 100;
const lineMs = 2_000;

/** Shows how far a run is: a bar on a terminal, else a plain line every two seconds. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  #shownMs = Number.NEGATIVE_INFINITY;
  #drawn = false;

  readonly #describe: (progress: Progress) => string;

  constructor(stream: NodeJS.WriteStream, describe: (progress: Progress) => string = describeCases) {
    this.#stream = stream;
    this.#describe = describe;
  }

  show(progress: Progress): void {
    const now = performance.now();
    const isLast = progress.decided >= progress.cases;
    if (!isLast && now - this.#shownMs < (this.#stream.isTTY ? barMs : lineMs)) return;
    this.#shownMs = now;
    this.#draw(progress);
  }

  /** Something to say in between. */
  say(line: string): void {
    if (this.#drawn) this.#stream.write('\r\x1b[K');
    this.#drawn = false;
    this.#stream.write(`${line}\n`);
  }

  /** Leaves the last bar where it is. */
  end(): void {
    if (this.#drawn) this.#stream.write('\n');
    this.#drawn = false;
  }

  #draw(progress: Progress): void {
    const { decided, cases } = progress;
    const counts = this.#describe(progress);
    if (!this.#stream.isTTY) {
      this.#stream.write(`${counts}\n`);
      return;
    }
    const full = Math.round((barWidth * Math.min(decided, cases)) / cases);
    this.#stream.write(`\r\x1b[K[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${counts}`);
    this.#drawn = true;
  }
}

function describeCases({ registered, decided, cases }: Progress): string {
  return `registered ${registered}, decided ${decided} of ${cases}`;
}
