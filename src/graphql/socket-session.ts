import type { WebSocket } from 'ws';
import type { Actor } from '../domain/actor.ts';
import type { OperationContext } from './context.ts';

const goingAway = 1001;

/** What is known of one socket. */
export interface Session {
  readonly socket: WebSocket;
  actor: Actor | undefined;
  /** Closes the socket when its token runs out. */
  expiry: NodeJS.Timeout | undefined;
  /**
   * The operations under way, by the payload that asked for them. The client's id alone would not do: a client may use
   * one again while the operation that had it before is still ending.
   */
  readonly running: Map<object, RunningOperation>;
  /** Set when the socket is to close as soon as no answer is outstanding. */
  whenAnswered: (() => void) | undefined;
}

export interface RunningOperation {
  readonly id: string;
  readonly context: OperationContext;
  readonly isSubscription: boolean;
}

export function createSession(socket: WebSocket): Session {
  return { socket, actor: undefined, expiry: undefined, running: new Map(), whenAnswered: undefined };
}

/** The socket is closed: nobody waits for anything that was asked for on it. */
export function endSession(session: Session): void {
  clearTimeout(session.expiry);
  for (const { context } of session.running.values()) context.abandon();
}

/** An operation is over, for whatever reason. */
export function forgetOperation(session: Session, payload: object): void {
  session.running.get(payload)?.context.abandon();
  session.running.delete(payload);
  // The library still has to send that the operation is complete, which it does before the loop goes round.
  if (session.whenAnswered !== undefined && !hasPendingAnswers(session)) setImmediate(session.whenAnswered);
}

function hasPendingAnswers({ running }: Session): boolean {
  return [...running.values()].some(({ isSubscription }) => !isSubscription);
}

/**
 * Tells a query or mutation that its client does not want the answer any more. The protocol's library ends
 * subscriptions only, and a claim that waits must not be granted to somebody who has given up.
 * @param text a message of the client, of any kind
 */
export function abandonCompleted(session: Session, text: string): void {
  if (session.running.size === 0 || !text.includes('"complete"')) return;
  const id = readCompletedId(text);
  for (const operation of session.running.values()) {
    if (operation.id === id) operation.context.abandon();
  }
}

function readCompletedId(text: string): string | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null) return undefined;
    const { type, id } = message as { readonly type?: unknown; readonly id?: unknown };
    return type === 'complete' && typeof id === 'string' ? id : undefined;
  } catch {
    // Not JSON: the library answers that by closing the socket.
    return undefined;
  }
}

/** Closes the socket with 1001 as soon as no query or mutation is under way. Resolves when it is closed. */
export function closeWhenAnswered(session: Session, graceMilliseconds: number): Promise<void> {
  const { socket } = session;
  return new Promise((resolve) => {
    const close = (): void => socket.close(goingAway, 'Going away');
    const timer = setTimeout(close, graceMilliseconds);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    session.whenAnswered = close;
    if (!hasPendingAnswers(session)) close();
  });
}
