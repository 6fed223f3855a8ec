import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { answerParent } from './child.ts';

/** A mail server that takes everything and keeps nothing. */
let answerMilliseconds = 0;
const server = new SMTPServer({
  logger: false,
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData(stream, _session, callback) {
    stream.resume();
    stream.on('end', () => {
      if (answerMilliseconds === 0) callback();
      else setTimeout(callback, answerMilliseconds);
    });
  },
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

/** Takes how long it is to think about each mail from now on, and says where it listens. */
if (import.meta.main)
  answerParent<{ readonly answerMilliseconds: number }, { port: number }>(async (request) => {
    answerMilliseconds = request.answerMilliseconds;
    return { port: (server.server.address() as AddressInfo).port };
  });
