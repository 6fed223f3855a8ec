import type { AnyTaskHandler } from '../../tasks/task-handler.ts';
import type { FollowUpParts } from './follow-up.ts';
import { createFollowUpHandler } from './follow-up.ts';
import type { SealParts } from './seal.ts';
import { createSealHandler } from './seal.ts';
import type { SendParts } from './send.ts';
import { createSendHandler } from './send.ts';

/** The tasks by which digests live on the engine. */
export function createDigestHandlers(parts: SealParts & SendParts & FollowUpParts): readonly AnyTaskHandler[] {
  return [createSealHandler(parts), createSendHandler(parts), createFollowUpHandler(parts)];
}
