import type { Command } from 'commander';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { createLogger } from '../log.ts';
import { urlSecrets } from '../mail/bounces/bounce-service.ts';
import type { TakenBounce } from '../mail/bounces/take-bounce.ts';
import { createTakeBounce } from '../mail/bounces/take-bounce.ts';
import { Shard } from '../postgres/shard.ts';
import { fail, requireConfig } from './surroundings.ts';

/** "Come back later" for mail programs that hand messages to a command (sysexits.h). */
const temporaryFailure = 75;

const refusals = {
  NO_REPORT: 'This is no delivery report; nothing was changed.',
  NO_FAILURE: 'The report tells of no failure; nothing was changed.',
  UNKNOWN_MAIL: 'The report names no mail that is known here; nothing was changed.',
} as const;

export function addReadBounce(program: Command): void {
  program
    .command('read-bounce')
    .description('take a bounce message from standard input, for instance from a mail server’s alias')
    .action(async () => {
      const config = requireConfig();
      const log = createLogger('read-bounce', 'fatal');
      const shards = await Promise.all(
        config.databaseUrls.map((url, number) => Shard.open({ number, url, connections: 2, log })),
      );
      let taken: TakenBounce;
      try {
        const take = createTakeBounce({ shards, secrets: urlSecrets(config) });
        taken = await take(await readStart(process.stdin), () => true);
      } catch (error) {
        // The mail server keeps the message, and hands it over again.
        if (error instanceof Fault && error.retryAfterMs !== undefined) fail(error.message, temporaryFailure);
        throw error;
      } finally {
        for (const shard of shards) await shard.close();
      }
      // Ended with 0 in any case: an error would send a bounce to whoever sent the bounce.
      const text =
        taken.kind === 'taken' ? `${taken.mail.recipient}: ${taken.mail.bounceReason}` : refusals[taken.refusal];
      process.stdout.write(`${text}\n`);
    });
}

/** What is needed stands at the start; the rest is taken and forgotten, so that the sender can end. */
async function readStart(input: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    if (bytes < limits.bounceBytes) chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return Buffer.concat(chunks).subarray(0, limits.bounceBytes);
}
