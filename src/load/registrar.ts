import type { LoadClient } from './load-client.ts';
import { LoadError } from './load-client.ts';
import { registerOperation } from './operations.ts';
import type { Random } from './random.ts';

export interface RegistrarOptions {
  readonly client: LoadClient;
  readonly namespace: string;
  readonly topic: string;
  /** The number of the next case to register, or undefined when there are enough. */
  readonly next: () => number | undefined;
  readonly applicantName: (n: number) => string;
  readonly runId: string;
  readonly random: Random;
  /** Share of the registrations that are sent twice at the same moment, under one key. */
  readonly doubles: number;
  readonly onRegistered: (caseId: string) => void;
}

const answerMs = 15_000;
const prioritySpan = 100;

/** Registers one case after the other, each under a key of its own, until there are enough. */
export async function runRegistrar(options: RegistrarOptions): Promise<void> {
  const { client, namespace, topic, next, applicantName, runId, random, doubles, onRegistered } = options;
  for (let n = next(); n !== undefined; n = next()) {
    const key = `${runId}-${n}`;
    const operation = registerOperation({
      namespace,
      topic,
      name: applicantName(n),
      email: `case-${n}@${runId}.example`,
      priority: Math.floor(random() * prioritySpan),
      idempotencyKey: key,
    });
    const wish = { verb: 'register', operation, timeoutMs: answerMs, key } as const;
    const results = await Promise.all(random() < doubles ? [client.ask(wish), client.ask(wish)] : [client.ask(wish)]);
    for (const { type, caseId } of results) {
      if (caseId === null) throw new LoadError(`register was answered with ${type}`);
      onRegistered(caseId);
    }
  }
}
