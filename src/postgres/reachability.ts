import { Client } from 'pg';
import { unavailable } from '../domain/errors.ts';

const probeMilliseconds = 1_000;
const pauseMilliseconds = 250;
const retryAfterMilliseconds = 1_000;

/**
 * Whether a database answers at all. One that is stopped says so at once. One behind a network that swallows everything
 * says nothing: every statement would wait for its whole time limit, and those in line behind it for theirs. So the
 * first statement that waited in vain ends the waiting of all, and new ones are refused at once until a probe is answered.
 *
 * It is the shard's circuit breaker, too: after a connection that failed the database is probed, and while it does not
 * answer nobody tries it. It closes by itself, a quarter of a second after the database is back at the latest.
 */
export class Reachability {
  readonly #url: string;
  readonly #waiting = new Set<(error: unknown) => void>();
  readonly #closing = new AbortController();
  #lost = false;
  #suspected = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** Whether the breaker is open: statements are refused without being tried. */
  get open(): boolean {
    return this.#lost;
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

  /** A connection failed or was refused: a probe tells a session that was ended from a server that is gone. */
  suspect(cause: unknown): void {
    if (this.#lost || this.#suspected || this.#closing.signal.aborted) return;
    this.#suspected = true;
    void this.#answers().then((answers) => {
      this.#suspected = false;
      if (!answers) this.lose(cause);
    });
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
    } catch (error) {
      // A server that has no connection left answers all the same: those that are open go on.
      return (error as { code?: unknown }).code === '53300';
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
