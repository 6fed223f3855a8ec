import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { connect } from 'nats';
import { Pool, types } from 'pg';
import { toDate } from '../src/postgres/sql.ts';
import type { RunMany } from './floor/coalesce.ts';
import { oneByOne, together } from './floor/coalesce.ts';
import { FloorEngine } from './floor/engine.ts';
import { TicketStream } from './floor/ticket-stream.ts';
import { namespace, system, topic } from './operations.ts';

/**
 * What the product could at best be: its own SQL and tickets behind bare `node:http`, without GraphQL, without checking
 * tokens or input, without metrics, hints to other processes or anything for the day when a server is down.
 * `FLOOR_COALESCED=yes` puts concurrent requests together into one statement, as the product does.
 */

/** The body that the drivers send to the gateway, as far as it is looked at here. */
interface Body {
  readonly operationName: 'Register' | 'Claim' | 'Decide';
  readonly variables: {
    readonly input: {
      readonly applicant: { readonly name: string; readonly email: string };
      readonly documents: readonly { readonly documentId: string; readonly kind: string }[];
      readonly priority: number;
      readonly caseId: string;
      readonly leaseToken: string;
      readonly verdict: string;
    };
  };
}

type Answer = (holder: string, input: Body['variables']['input']) => Promise<object>;

const timestamptz = 1184;

async function start(): Promise<void> {
  const { FLOOR_PORT, FLOOR_DATABASE_URL, FLOOR_NATS_URL, FLOOR_TOPIC_ID, FLOOR_COALESCED } = process.env;
  // The product's own session settings and its way to read times.
  const pool = new Pool({
    connectionString: FLOOR_DATABASE_URL,
    max: 10,
    options: '-c TimeZone=UTC -c jit=off',
    types: {
      getTypeParser: ((oid: number, format: 'text') =>
        oid === timestamptz ? (text: string) => text : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
    },
  });
  const connection = await connect({ servers: FLOOR_NATS_URL?.replace('nats://', '') ?? '', noAsyncTraces: true });
  const tickets = new TicketStream(connection, { system, namespace, topic });
  const engine = new FloorEngine(pool, tickets, { id: Number(FLOOR_TOPIC_ID), system, namespace, topic });
  const answers = createAnswers(engine, FLOOR_COALESCED === 'yes');
  const server = createServer((request, response) => {
    if (request.method === 'POST') return readBody(request, (text) => void answer(request, response, text, answers));
    // The driver asks before each run.
    send(response, 200, { unconfirmed: tickets.unconfirmed, refused: tickets.refused });
  });
  server.listen(Number(FLOOR_PORT), '127.0.0.1');
}

function createAnswers(engine: FloorEngine, coalesce: boolean): Readonly<Record<Body['operationName'], Answer>> {
  const way = <Input, Output>(run: RunMany<Input, Output>) => (coalesce ? together(run) : oneByOne(run));
  const register = way(engine.register);
  const claim = way(engine.claim);
  const decide = way(engine.decide);
  return {
    async Register(registrant, { applicant, documents, priority }) {
      const row = await register({ registrant, ...applicant, documents, priority });
      if (row.outcome !== 'registered') return { register: { __typename: row.outcome } };
      const registeredAt = toDate(row.at).toISOString();
      return {
        register: { __typename: 'CaseRegistered', case: { id: row.id, status: 'PENDING', priority, registeredAt } },
      };
    },
    async Claim(holder) {
      const row = await claim(holder);
      if (row?.outcome !== 'claimed') return { claimNextCase: { __typename: row?.outcome ?? 'NoCaseAvailable' } };
      return {
        claimNextCase: {
          __typename: 'CaseClaimed',
          case: {
            id: row.item_id,
            status: 'CLAIMED',
            priority: row.priority,
            registeredAt: toDate(row.registered_at).toISOString(),
            applicant: { name: row.applicant_name, email: row.applicant_email },
          },
          lease: { token: row.token, expiresAt: toDate(row.expires_at).toISOString() },
        },
      };
    },
    async Decide(holder, { caseId, leaseToken, verdict }) {
      const row = await decide({ caseId, leaseToken, holder, verdict });
      if (row.outcome !== 'decided') return { decide: { __typename: 'LeaseLost' } };
      const decidedAt = toDate(row.decided_at).toISOString();
      const decision = { verdict, decidedAt };
      return { decide: { __typename: 'CaseDecided', case: { id: caseId, status: 'APPROVED', decision } } };
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
  answers: Readonly<Record<Body['operationName'], Answer>>,
): Promise<void> {
  try {
    const { operationName, variables } = JSON.parse(text) as Body;
    const data = await answers[operationName](readSubject(request.headers.authorization ?? ''), variables.input);
    send(response, 200, { data });
  } catch (error) {
    send(response, 500, { errors: [{ message: String(error) }] });
  }
}

const subjects = new Map<string, string>();

/** Whose token it is, unchecked. */
function readSubject(authorization: string): string {
  const known = subjects.get(authorization);
  if (known !== undefined) return known;
  const claims = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString();
  const subject = (JSON.parse(claims) as { sub: string }).sub;
  subjects.set(authorization, subject);
  return subject;
}

function readBody(request: IncomingMessage, onBody: (text: string) => void): void {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => onBody(text));
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

if (import.meta.main) await start();
