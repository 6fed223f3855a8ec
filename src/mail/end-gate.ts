import { Readable } from 'node:stream';

/**
 * Holds the end of a mail's text back until something was done, usually until it is written down that the mail is about
 * to be sent. A server takes a mail when it has read the dot after the text, and the dot follows the end: so a mail whose
 * gate did not open is not with the server, whatever happened to the connection.
 */
export class EndGate {
  readonly #beforeEnd: () => Promise<void>;
  #opened = false;

  constructor(beforeEnd: () => Promise<void>) {
    this.#beforeEnd = beforeEnd;
  }

  /** Whether the end was let through: from then on the server may have the mail. */
  get opened(): boolean {
    return this.#opened;
  }

  /**
   * @returns what the input has, and its end only when the gate opens; when it does not, a stream that fails. Nothing is
   * read ahead: the connection asks for the text when the server has asked for it.
   */
  hold(input: Readable): Readable {
    const held: Readable = Readable.from(
      this.#pass(input, () => !held.destroyed),
      { objectMode: false },
    );
    return held;
  }

  async *#pass(input: Readable, isWanted: () => boolean): AsyncGenerator<Buffer> {
    for await (const chunk of input) yield chunk;
    await this.#beforeEnd();
    // A connection that was given up meanwhile took the stream with it: nothing goes out any more.
    this.#opened = isWanted();
  }
}
