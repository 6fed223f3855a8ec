import type { Config } from '../../config.ts';
import type { Actor } from '../../domain/actor.ts';
import { mayEnter, requireRole } from '../../domain/actor.ts';
import { badInput } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { mailReaders } from '../read-mails.ts';
import type { TakeBounceDependencies, TakenBounce } from './take-bounce.ts';
import { createTakeBounce } from './take-bounce.ts';

/** What return paths may be signed with. */
export function urlSecrets({ urlSecret, urlSecretPrevious }: Config): readonly string[] {
  return urlSecretPrevious === undefined ? [urlSecret] : [urlSecret, urlSecretPrevious];
}

/**
 * Takes bounce messages that an operator, or a program with that role, hands over. Another tenant's mail looks like one
 * that is not known.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createBounceService(
  dependencies: TakeBounceDependencies,
): (actor: Actor | undefined, raw: Uint8Array) => Promise<TakenBounce> {
  const take = createTakeBounce(dependencies);
  return async (maybeActor, raw) => {
    const actor = requireRole(maybeActor, maybeActor?.namespace ?? '', mailReaders);
    if (raw.length > limits.bounceBytes)
      throw badInput('input.message', `must have at most ${limits.bounceBytes} bytes`);
    return take(raw, (mail) => mayEnter(actor, mail.namespace));
  };
}
