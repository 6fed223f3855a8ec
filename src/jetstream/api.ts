import type { NatsLink } from './connection.ts';

/** Codes of the JetStream API that Caseload tells apart; the server's `errors.json` has all. */
export const apiErrors = {
  consumerNotFound: 10014,
  invalidJson: 10025,
  streamNotFound: 10059,
  consumerAlreadyExists: 10148,
} as const;

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

/** JetStream understood a request and refused it. */
export class JetStreamRefusal extends Error {
  override readonly name = 'JetStreamRefusal';
  /** The server's own error code, see `apiErrors`. */
  readonly code: number;
  readonly description: string;

  constructor(request: string, code: number, description: string) {
    super(`JetStream refused ${request}: ${description} (${code})`);
    this.code = code;
    this.description = description;
  }
}

/**
 * Sends one request of the JetStream API (`STREAM.INFO.CASES`) and returns the answer.
 * Raw JSON, because the client's own typed calls fill in and leave out fields as their version sees fit.
 * @throws JetStreamRefusal when the server refuses
 * @throws NatsUnavailable when there is no connection, no JetStream, or no answer in time
 */
export async function callApi<Answer>(link: NatsLink, request: string, body?: unknown): Promise<Answer> {
  const message = await link.request(`$JS.API.${request}`, body === undefined ? '' : JSON.stringify(body));
  const answer = message.json<Answer & ApiAnswer>();
  if (answer.error !== undefined) throw refusalOf(request, answer.error);
  return answer;
}

export function refusalOf(request: string, error: NonNullable<ApiAnswer['error']>): JetStreamRefusal {
  return new JetStreamRefusal(request, error.err_code ?? error.code, error.description ?? 'no reason given');
}

export function isRefusal(error: unknown, code: number): boolean {
  return error instanceof JetStreamRefusal && error.code === code;
}

/** What `callApi` returned, or undefined when the server does not know the thing that was asked for. */
export async function orMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error, apiErrors.streamNotFound) || isRefusal(error, apiErrors.consumerNotFound)) return undefined;
    throw error;
  }
}
