import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseWhole } from '../domain/names.ts';
import type { AnyTaskHandler } from './task-handler.ts';

/** Takes a priority: any 32-bit integer. */
export function parsePriority(field: string, priority: number): number {
  return parseWhole(field, priority, -2_147_483_648, 2_147_483_647);
}

/**
 * Takes the time before which a task shall not run.
 * @returns null for one that has passed, which means at once
 */
export function parseRunAt(field: string, runAt: Date | null | undefined, now: number): Date | null {
  if (runAt === null || runAt === undefined || runAt.getTime() <= now) return null;
  if (runAt.getTime() > now + limits.taskRunAtSeconds * 1_000) {
    throw badInput(field, `must be within ${limits.taskRunAtSeconds} seconds from now`);
  }
  return runAt;
}

/**
 * Takes a payload.
 * @param handler checks what it is given, where the kind is known
 * @returns it as JSON
 */
export function parsePayloadText(field: string, payload: unknown, handler: AnyTaskHandler | undefined): string {
  const text = JSON.stringify(payload);
  if (Buffer.byteLength(text) > limits.taskPayloadBytes) {
    throw badInput(field, `must have at most ${limits.taskPayloadBytes} bytes as JSON`);
  }
  handler?.parsePayload(field, payload);
  return text;
}
