/** How a client reaches the service. */
export interface TransportOptions {
  /** Where a gateway listens, for instance `https://queue.example.com`. */
  readonly url: string;
  /** A token of the namespace, or what gives one: asked before each request. */
  readonly token: string | (() => string | Promise<string>);
  /** How long an answer may take beyond what the request itself waits for; 10,000 without it. */
  readonly timeoutMs?: number;
}

/** The service refused a request, or could not be reached. */
export class CaseloadError extends Error {
  override readonly name = 'CaseloadError';
  /** One of the service's codes, or `UNREACHABLE`: no answer came, and whether the request took effect is unknown. */
  readonly code: string;
  /** When the same request may succeed, in milliseconds; undefined: it never will as it is. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

interface Body {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryAfterMs?: number };
  }[];
}

const timeoutDefault = 10_000;
const unreachableRetryMs = 500;
const retryable: ReadonlySet<string> = new Set(['BACKPRESSURE', 'RATE_LIMITED', 'UNAVAILABLE']);

/** Sends GraphQL operations over HTTP. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #url: string;

  constructor(options: TransportOptions) {
    const { token } = options;
    if (typeof token !== 'function' && (typeof token !== 'string' || token === '')) {
      throw new TypeError('token must be a text, or a function that gives one');
    }
    this.#options = options;
    this.#url = new URL('/graphql', options.url).href;
  }

  /**
   * Sends one operation. @param waitMs what the service itself may wait before it answers
   * @returns the first field of the answer @throws CaseloadError
   */
  async send<Result>(query: string, input: object, waitMs = 0, signal?: AbortSignal): Promise<Result> {
    const { token, timeoutMs } = this.#options;
    const bearer = typeof token === 'string' ? token : await token();
    const timeout = AbortSignal.timeout((timeoutMs ?? timeoutDefault) + waitMs);
    let body: Body;
    let status = 0;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          authorization: `Bearer ${bearer}`,
        },
        body: JSON.stringify({ query, variables: { input } }),
      });
      status = response.status;
      body = (await response.json()) as Body;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new CaseloadError(
        'UNREACHABLE',
        `No answer of the service${status === 0 ? '' : ` (HTTP ${status})`}`,
        unreachableRetryMs,
        error,
      );
    }
    const error = body.errors?.[0];
    const result = body.data === null || body.data === undefined ? undefined : Object.values(body.data)[0];
    if (error === undefined && result !== undefined) return result as Result;
    const code = error?.extensions?.code ?? `HTTP_${status}`;
    const retryAfterMs = error?.extensions?.retryAfterMs ?? (retryable.has(code) ? unreachableRetryMs : undefined);
    throw new CaseloadError(code, error?.message ?? 'The service gave no data', retryAfterMs);
  }
}
