/** Answers many inputs with one statement, in their order. */
export type RunMany<Input, Output> = (inputs: readonly Input[]) => Promise<readonly Output[]>;

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

const atOnce = 2;
const inputsMax = 256;

/** One statement for each input. */
export function oneByOne<Input, Output>(run: RunMany<Input, Output>): (input: Input) => Promise<Output> {
  return async (input) => (await run([input]))[0]!;
}

/** One statement for all that came while the one before was running. */
export function together<Input, Output>(run: RunMany<Input, Output>): (input: Input) => Promise<Output> {
  const waiting: Waiting<Input, Output>[] = [];
  let running = 0;
  let scheduled = false;

  const flush = (): void => {
    scheduled = false;
    while (running < atOnce && waiting.length > 0) {
      running += 1;
      void answer(waiting.splice(0, inputsMax));
    }
  };
  const answer = async (batch: readonly Waiting<Input, Output>[]): Promise<void> => {
    try {
      const outputs = await run(batch.map(({ input }) => input));
      for (const [index, { resolve }] of batch.entries()) resolve(outputs[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    running -= 1;
    flush();
  };

  return (input) =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject });
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    });
}
