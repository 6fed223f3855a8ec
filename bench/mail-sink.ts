import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { answerParent } from './child.ts';

/** A mail server that takes everything, and keeps nothing but the number of mails. */
let taken = 0;
const server = new SMTPServer({
  logger: false,
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData(stream, _session, callback) {
    stream.resume();
    stream.on('end', () => {
      taken += 1;
      callback();
    });
  },
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

/** Any question is answered with where it listens, and how many mails it took so far. */
if (import.meta.main)
  answerParent<object, { port: number; taken: number }>(async () => ({
    port: (server.server.address() as AddressInfo).port,
    taken,
  }));
