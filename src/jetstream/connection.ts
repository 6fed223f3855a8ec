import { readFileSync } from 'node:fs';
import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection, Subscription } from 'nats';
import { ClosedConnectionError, connect, credsAuthenticator, DrainingConnectionError } from 'nats';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';

export interface NatsOptions {
  /** One address or several, separated by commas: `nats://127.0.0.1:4222`. */
  readonly url: string;
  /** A `.creds` file. It is read again at each connection, so that a renewed one is taken without a restart. */
  readonly credentialsFile?: string | undefined;
  /** What the server's monitoring shows for this connection. */
  readonly name: string;
  readonly log: Logger;
}

export type MessageHandler = (message: Msg) => void;
export type ConnectedListener = (connected: boolean) => void;

/** A subscription that outlives reconnections. */
export interface NatsSubscription {
  /** Ends at once: what the server already sent and was not handled yet is lost. */
  unsubscribe(): void;
  /** Ends after what the server already sent was handled; resolves when that is done. */
  drain(): Promise<void>;
}

export interface PublishDetails {
  readonly reply?: string;
  readonly headers?: MsgHdrs;
}

/** NATS cannot be asked right now. Nothing is known of what was under way. */
export class NatsUnavailable extends Error {
  override readonly name = 'NatsUnavailable';
}

/** Between two attempts to connect, the client and this file wait this long plus up to the same again. */
const reconnectMilliseconds = 500;
/** A half-open connection is noticed after two unanswered pings, so after 20 to 30 seconds. */
const pingMilliseconds = 10_000;
const unansweredPings = 2;
const defaultPort = 4222;

/**
 * Connects to NATS and stays connected for as long as the program runs.
 * Resolves after the first attempt, whether it succeeded or not: a program starts with NATS down, `connected` is then
 * false, and attempts go on for ever (the client's own default is to give up after some 19 seconds).
 * @throws TypeError when the URL is none.
 */
export async function connectNats(options: NatsOptions): Promise<NatsLink> {
  const link = new NatsLink(options);
  await link.firstAttempt;
  return link;
}

/**
 * The one connection of a program to one NATS cluster.
 *
 * Nothing is buffered while it is down: the client would keep every publish in memory and throw all of them away when
 * it connects again, so `publish` says no instead, and `request` rejects.
 */
export class NatsLink {
  readonly firstAttempt: Promise<void>;
  readonly #options: NatsOptions;
  readonly #address: ConnectionOptions;
  readonly #log: Logger;
  readonly #listeners = new Set<ConnectedListener>();
  readonly #subscriptions = new Set<LastingSubscription>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #connected = false;

  constructor(options: NatsOptions) {
    this.#options = options;
    this.#address = readAddress(options.url);
    this.#log = options.log;
    const first = Promise.withResolvers<void>();
    this.firstAttempt = first.promise;
    this.#running = this.#run(first.resolve);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** The client's own connection, for libraries that want one (key-value buckets); undefined until the first success. */
  get connection(): NatsConnection | undefined {
    return this.#connection;
  }

  get serverVersion(): string | undefined {
    return this.#connection?.info?.version;
  }

  /** Calls the listener at each change of `connected`; returns a function that ends that. */
  onChange(listener: ConnectedListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Hands a message to the connection.
   * @returns false, and sends nothing, when there is no connection. True is no proof of arrival.
   * @throws Error when the message is larger than the server takes or the subject has a space in it.
   */
  publish(subject: string, payload?: Uint8Array | string, details?: PublishDetails): boolean {
    if (!this.#connected || this.#connection === undefined) return false;
    try {
      this.#connection.publish(subject, payload, details === undefined ? undefined : { ...details });
      return true;
    } catch (error) {
      // Closed a moment ago, and `connected` does not know it yet.
      if (error instanceof ClosedConnectionError || error instanceof DrainingConnectionError) return false;
      throw error;
    }
  }

  /**
   * Asks and waits for the answer.
   * @throws NatsUnavailable when there is no connection, nobody answers for the subject, or time is up.
   */
  async request(subject: string, payload: string, timeoutMs: number = limits.natsRequestMilliseconds): Promise<Msg> {
    if (!this.#connected || this.#connection === undefined) throw new NatsUnavailable('NATS is not connected');
    try {
      return await this.#connection.request(subject, payload, { timeout: timeoutMs });
    } catch (error) {
      throw new NatsUnavailable(`NATS gave no answer for ${subject}`, { cause: error });
    }
  }

  /**
   * Listens on a subject; may be called while disconnected. What is published while the connection is down is missed.
   * An error thrown by the handler is logged: thrown into the client it would end the reading of the whole connection.
   */
  subscribe(subject: string, handle: MessageHandler): NatsSubscription {
    const subscription = new LastingSubscription(subject, handle, this.#log, () =>
      this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    const connection = this.#connection;
    if (connection !== undefined && !connection.isClosed() && !connection.isDraining()) subscription.open(connection);
    return subscription;
  }

  /** Resolves when the server has received everything published before. */
  async flush(): Promise<void> {
    if (!this.#connected || this.#connection === undefined) throw new NatsUnavailable('NATS is not connected');
    await withTimeout(this.#connection.flush(), limits.natsRequestMilliseconds);
  }

  /** Handles what has arrived, sends what was published, then closes; a server that does not answer is not waited for. */
  async drain(): Promise<void> {
    if (this.#connected && this.#connection !== undefined) {
      this.#closing.abort();
      try {
        await withTimeout(this.#connection.drain(), limits.natsRequestMilliseconds);
      } catch (error) {
        this.#log.warn({ err: error }, 'NATS did not let the connection drain');
      }
    }
    await this.close();
  }

  /** Closes for good; safe to call twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    await this.#running;
  }

  async #run(attempted: () => void): Promise<void> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const connection = await this.#tryToConnect(failures);
      if (connection === undefined) failures += 1;
      else await this.#hold(connection, attempted);
      attempted();
      if (connection !== undefined) failures = 0;
      await pause(reconnectMilliseconds * (1 + Math.random()), this.#closing.signal);
    }
  }

  async #tryToConnect(failuresBefore: number): Promise<NatsConnection | undefined> {
    try {
      return await connect(this.#clientOptions());
    } catch (error) {
      // One line when it starts, not one for each of the attempts that follow every second.
      const report = { err: error, server: withoutSecrets(this.#options.url) };
      if (failuresBefore === 0) this.#log.warn(report, 'NATS cannot be reached; trying on');
      else this.#log.debug(report, 'NATS cannot be reached');
      return undefined;
    }
  }

  /** Serves one client connection until it is closed for good, which only `close` and a refused credential do. */
  async #hold(connection: NatsConnection, ready: () => void): Promise<void> {
    this.#connection = connection;
    if (this.#closing.signal.aborted) return connection.close();
    for (const subscription of this.#subscriptions) subscription.open(connection);
    this.#setConnected(true);
    this.#log.info({ server: connection.getServer(), version: connection.info?.version }, 'NATS connected');
    ready();
    const watching = this.#watch(connection);
    const reason = await connection.closed();
    await watching;
    this.#setConnected(false);
    if (!this.#closing.signal.aborted)
      this.#log.error({ err: reason }, 'NATS connection was closed; opening a new one');
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      switch (status.type) {
        case 'disconnect':
          this.#setConnected(false);
          this.#log.warn({ server: status.server }, 'NATS disconnected');
          break;
        case 'reconnect':
          this.#setConnected(true);
          this.#log.info({ server: status.server, version: connection.info?.version }, 'NATS connected again');
          break;
        case 'error':
          this.#log.warn({ err: status.error }, 'NATS reported an error');
          break;
        case 'staleConnection':
        case 'ldm':
          this.#log.warn({ status: status.type }, 'NATS connection is about to end');
          break;
      }
    }
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    for (const listener of [...this.#listeners]) {
      try {
        listener(connected);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener of the NATS connection failed');
      }
    }
  }

  #clientOptions(): ConnectionOptions {
    const { name, credentialsFile } = this.#options;
    return {
      ...this.#address,
      name,
      timeout: limits.natsRequestMilliseconds,
      reconnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectMilliseconds,
      reconnectJitter: reconnectMilliseconds,
      reconnectJitterTLS: reconnectMilliseconds,
      ignoreAuthErrorAbort: true,
      pingInterval: pingMilliseconds,
      maxPingOut: unansweredPings,
      // The stack of each request's caller costs more than the request itself.
      noAsyncTraces: true,
      ...(credentialsFile === undefined
        ? {}
        : { authenticator: (nonce?: string) => credsAuthenticator(readFileSync(credentialsFile))(nonce) }),
    };
  }
}

/** One subscription of the program, opened anew on each client connection. */
class LastingSubscription implements NatsSubscription {
  readonly #subject: string;
  readonly #handle: MessageHandler;
  readonly #log: Logger;
  readonly #forget: () => void;
  #open: Subscription | undefined;

  constructor(subject: string, handle: MessageHandler, log: Logger, forget: () => void) {
    this.#subject = subject;
    this.#handle = handle;
    this.#log = log;
    this.#forget = forget;
  }

  open(connection: NatsConnection): void {
    this.#open = connection.subscribe(this.#subject, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
        else this.#log.error({ err: error, subject: this.#subject }, 'NATS ended a subscription');
      },
    });
  }

  unsubscribe(): void {
    this.#forget();
    if (this.#open !== undefined && !this.#open.isClosed()) this.#open.unsubscribe();
  }

  async drain(): Promise<void> {
    this.#forget();
    if (this.#open === undefined || this.#open.isClosed()) return;
    await withTimeout(this.#open.drain(), limits.natsRequestMilliseconds);
  }

  #receive(message: Msg): void {
    try {
      this.#handle(message);
    } catch (error) {
      this.#log.error({ err: error, subject: this.#subject }, 'a message could not be handled');
    }
  }
}

async function withTimeout(promise: Promise<void>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => late.reject(new NatsUnavailable(`NATS gave no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

/** The client takes no `user:password@` in an address, so they are handed over beside it. */
function readAddress(url: string): ConnectionOptions {
  const addresses = url
    .split(',')
    .map((address) => new URL(address.trim().includes('://') ? address.trim() : `nats://${address.trim()}`));
  const servers = addresses.map((address) => `${address.hostname}:${address.port === '' ? defaultPort : address.port}`);
  if (addresses.some((address) => address.hostname === ''))
    throw new TypeError(`${withoutSecrets(url)} is no address of NATS`);
  const { username, password, protocol } = addresses.find((address) => address.username !== '') ?? addresses[0]!;
  return {
    servers,
    ...(protocol === 'tls:' ? { tls: {} } : {}),
    ...(username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}

function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@/,]*@/g, '//');
}
