import { once } from 'node:events';
import { WebSocket } from 'ws';
import { answerParent } from './child.ts';
import { HttpCaller } from './http-caller.ts';
import { namespace, prepareClaim } from './operations.ts';

/** Clients that only wait: claims in a long poll, and subscriptions. */
export interface IdlePlan {
  readonly port: number;
  /** One for each waiting claimer. */
  readonly claimTokens: readonly string[];
  readonly waitMilliseconds: number;
  readonly sockets: number;
  readonly subscriptionsPerSocket: number;
  readonly socketToken: string;
}

/** Claims that were answered and sockets that were closed, when all should have been waiting. */
export interface IdleReport {
  readonly answered: number;
  readonly closed: number;
}

interface Clients {
  readonly callers: readonly HttpCaller[];
  readonly sockets: readonly WebSocket[];
  answered: number;
  closed: number;
}

const query = `subscription Watch($namespace: String!) {
  caseUpdated(namespace: $namespace) { cursor at type case { id status } }
}`;

let clients: Clients | undefined;

if (import.meta.main)
  answerParent<IdlePlan | 'close', IdleReport>((request) => (request === 'close' ? close() : open(request)));

async function open(plan: IdlePlan): Promise<IdleReport> {
  const sockets = await Promise.all(Array.from({ length: plan.sockets }, () => openSocket(plan)));
  const callers = await Promise.all(plan.claimTokens.map(() => HttpCaller.open(plan.port, () => undefined)));
  const opened: Clients = { callers, sockets, answered: 0, closed: 0 };
  for (const socket of sockets) {
    socket.on('close', () => {
      opened.closed += 1;
    });
  }
  for (const [index, caller] of callers.entries()) {
    caller.exchange(prepareClaim(plan.claimTokens[index]!, plan.waitMilliseconds), () => {
      opened.answered += 1;
    });
  }
  clients = opened;
  return { answered: 0, closed: 0 };
}

async function close(): Promise<IdleReport> {
  if (clients === undefined) throw new Error('Nobody is waiting');
  const { callers, sockets, answered, closed } = clients;
  clients = undefined;
  for (const caller of callers) caller.close();
  for (const socket of sockets) socket.terminate();
  return { answered, closed };
}

/** Opens a socket with its subscriptions, in the protocol `graphql-transport-ws`. */
async function openSocket(plan: IdlePlan): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${plan.port}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const acknowledged = once(socket, 'message');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${plan.socketToken}` } }));
  const [message] = (await acknowledged) as [Buffer];
  if (!String(message).includes('connection_ack')) throw new Error(`A socket was refused: ${message}`);
  for (let number = 0; number < plan.subscriptionsPerSocket; number += 1) {
    const payload = { operationName: 'Watch', query, variables: { namespace } };
    socket.send(JSON.stringify({ id: String(number), type: 'subscribe', payload }));
  }
  return socket;
}
