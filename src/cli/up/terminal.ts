/** What the person in front of `caseload up` reads. Everything goes to standard output; faults go to standard error. */
export class Terminal {
  #open = true;

  constructor() {
    // A terminal that was closed must not keep us from stopping in order.
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', () => {
        this.#open = false;
      });
    }
  }

  line(text = ''): void {
    if (this.#open) process.stdout.write(`${text}\n`);
  }

  fault(text: string): void {
    if (this.#open) process.stderr.write(`${text}\n`);
  }

  /** Something that happens while everything runs. */
  notice(text: string): void {
    this.line(`${new Date().toTimeString().slice(0, 8)}  ${text}`);
  }

  /**
   * Does a step of the start: one line with its time when it is done, and a sign of life while it takes long.
   * @param describe what to say of the result
   */
  async step<Result>(name: string, work: () => Promise<Result>, describe: (result: Result) => string): Promise<Result> {
    const started = performance.now();
    const timer = new SignOfLife(() => this.line(`  ${pad(name)}… ${seconds(performance.now() - started)}`));
    try {
      const result = await work();
      this.line(`  ${pad(name)}${describe(result).padEnd(descriptionColumns)} ${seconds(performance.now() - started)}`);
      return result;
    } finally {
      timer.stop();
    }
  }
}

const nameColumns = 14;
const descriptionColumns = 46;
const firstSignMilliseconds = 2_000;
const nextSignMilliseconds = 5_000;

function pad(name: string): string {
  return name.padEnd(nameColumns);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`.padStart(7);
}

class SignOfLife {
  #timer: NodeJS.Timeout;

  constructor(show: () => void) {
    const again = (): void => {
      show();
      this.#timer = setTimeout(again, nextSignMilliseconds);
    };
    this.#timer = setTimeout(again, firstSignMilliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
