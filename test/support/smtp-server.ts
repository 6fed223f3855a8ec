import type { AddressInfo, Socket } from 'node:net';
import type { Email } from 'postal-mime';
import PostalMime from 'postal-mime';
import type { SMTPServerSession } from 'smtp-server';
import { SMTPServer } from 'smtp-server';

/** What the server does with one mail. It takes it when nothing else was planned. */
export type SmtpDeed =
  | { readonly do: 'accept' }
  | {
      readonly do: 'refuse';
      readonly at: 'sender' | 'recipient' | 'data';
      readonly code: number;
      readonly text: string;
    }
  /** Breaks the connection before the mail's text, in the middle of things. */
  | { readonly do: 'drop before data' }
  /** Keeps the mail, and breaks the connection instead of saying so. */
  | { readonly do: 'accept and drop' }
  /** Keeps the mail, and says nothing for ever. */
  | { readonly do: 'accept and be silent' }
  /** Says nothing to the recipient. */
  | { readonly do: 'be silent' };

export interface ReceivedMail {
  readonly envelopeFrom: string;
  readonly envelopeTo: readonly string[];
  readonly raw: string;
  readonly parsed: Email;
}

/** A real SMTP server on the loopback interface, which behaves as a test plans it and keeps what it took. */
export class TestSmtpServer {
  readonly received: ReceivedMail[] = [];
  readonly #server: SMTPServer;
  readonly #sockets = new Map<number, Socket>();
  readonly #deeds: SmtpDeed[] = [];
  readonly #current = new Map<string, SmtpDeed>();
  #arrived: (() => void)[] = [];
  connectionCount = 0;

  private constructor(startTls: boolean) {
    this.#server = new SMTPServer({
      logger: false,
      authOptional: true,
      ...(startTls ? {} : { disabledCommands: ['STARTTLS', 'AUTH'] }),
      onMailFrom: (_address, session, callback) => {
        const deed = this.#deeds.shift() ?? { do: 'accept' };
        this.#current.set(session.id, deed);
        callback(refusal(deed, 'sender'));
      },
      onRcptTo: (_address, session, callback) => {
        const deed = this.#current.get(session.id)!;
        if (deed.do === 'be silent') return;
        if (deed.do === 'drop before data') this.#drop(session);
        else callback(refusal(deed, 'recipient'));
      },
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => void this.#take(Buffer.concat(chunks), session, callback));
      },
    });
    // Connections that tests break off are no news.
    this.#server.on('error', () => undefined);
    this.#server.server.on('connection', (socket: Socket) => {
      this.connectionCount += 1;
      this.#sockets.set(socket.remotePort ?? 0, socket);
    });
  }

  static async start(options: { readonly startTls?: boolean } = {}): Promise<TestSmtpServer> {
    const server = new TestSmtpServer(options.startTls ?? false);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  /** Plans what happens to the next mails, in order. */
  plan(...deeds: readonly SmtpDeed[]): void {
    this.#deeds.push(...deeds);
  }

  /** Resolves when it has kept so many mails. */
  async keeps(mails: number): Promise<void> {
    while (this.received.length < mails) await new Promise<void>((resolve) => this.#arrived.push(resolve));
  }

  /** The mails to one address, as a server that heeds Message-ID would have kept them: each id once. */
  toldApart(address: string): readonly ReceivedMail[] {
    const mine = this.received.filter((mail) => mail.envelopeTo.includes(address));
    return [...new Map(mine.map((mail) => [mail.parsed.messageId, mail])).values()];
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  async #take(
    raw: Buffer,
    session: SMTPServerSession,
    callback: (error?: Error | null, message?: string) => void,
  ): Promise<void> {
    const deed = this.#current.get(session.id)!;
    const refused = refusal(deed, 'data');
    if (refused !== null) return callback(refused);
    const envelopeTo = session.envelope.rcptTo.map((recipient) => recipient.address);
    const { mailFrom } = session.envelope;
    const envelopeFrom = mailFrom === false ? '' : mailFrom.address;
    this.received.push({ envelopeFrom, envelopeTo, raw: raw.toString(), parsed: await PostalMime.parse(raw) });
    if (deed.do === 'accept and drop') this.#drop(session);
    else if (deed.do !== 'accept and be silent') callback(null, `2.0.0 kept as ${this.received.length}`);
    for (const arrived of this.#arrived.splice(0)) arrived();
  }

  #drop(session: SMTPServerSession): void {
    this.#sockets.get(session.remotePort)?.destroy();
  }
}

function refusal(deed: SmtpDeed, at: 'sender' | 'recipient' | 'data'): Error | null {
  if (deed.do !== 'refuse' || deed.at !== at) return null;
  return Object.assign(new Error(deed.text), { responseCode: deed.code });
}
