import { Client } from 'pg';
import { unavailable } from '../domain/errors.ts';

const probeMilliseconds = 1_000;
const pauseMilliseconds = 250;
const retryAfterMilliseconds = 1_000;

/**
 * Whether a database answers at all. One that is stopped says so at once. One behind a network that swallows everything
 * says nothing: every statement would wait for its whole time limit, and those in line behind it for theirs. So the
 * first statement that waited in vain ends the waiting of all, and new ones are refused at once until a probe is answered.
 */
export class Reachability {
  readonly #url: string;
  readonly #waiting = new Set<(error: unknown) => void>();
  readonly #closing = new AbortController();
  #lost = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Fault `UNAVAILABLE` while the database does not answer */
  require(): void {
    if (this.#lost) throw unavailable(retryAfterMilliseconds);
  }

  /** Waits for a statement, but not past the moment at which the database counts as lost. */
  watch<Result>(statement: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const settle = (): void => void this.#waiting.delete(reject);
      statement.then(resolve, reject).then(settle, settle);
    });
  }

  /** A statement waited in vain. */
  lose(cause: unknown): void {
    if (this.#lost || this.#closing.signal.aborted) return;
    this.#lost = true;
    for (const reject of this.#waiting) reject(unavailable(retryAfterMilliseconds, cause));
    this.#waiting.clear();
    void this.#probeUntilFound();
  }

  close(): void {
    this.#closing.abort();
  }

  async #probeUntilFound(): Promise<void> {
    while (!this.#closing.signal.aborted && !(await this.#answers())) await this.#pause();
    this.#lost = false;
  }

  async #answers(): Promise<boolean> {
    const client = new Client({
      connectionString: this.#url,
      connectionTimeoutMillis: probeMilliseconds,
      query_timeout: probeMilliseconds,
      application_name: 'caseload probe',
    });
    client.on('error', () => undefined); // a connection that breaks fails the query, which is what counts
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false; // exactly what was asked
    } finally {
      void client.end().catch(() => undefined); // a server that does not answer is not waited for
    }
  }

  #pause(): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, pauseMilliseconds);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}
