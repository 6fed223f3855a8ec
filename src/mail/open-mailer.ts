import type { Logger } from '../log.ts';
import { signReturnPath } from './bounces/return-path.ts';
import type { MailConfig } from './mail-config.ts';
import type { MailTransport } from './mail-transport.ts';
import { MailError } from './mail-transport.ts';
import { Mailer } from './mailer.ts';

/**
 * The mailer that the configuration names. Connections are opened when there is something to send.
 * @param returnPathSecret signs the addresses to which mails come back; without it they come back to their sender
 */
export function openMailer(
  config: MailConfig,
  newId: (shard: number) => string,
  log: Logger,
  returnPathSecret?: string,
): Mailer {
  const { bouncesTo } = config;
  const returnPathOf =
    bouncesTo === undefined || returnPathSecret === undefined
      ? undefined
      : (mailId: string) => signReturnPath(returnPathSecret, bouncesTo, mailId);
  return new Mailer({ config, transport: openTransport(config), newId, log, returnPathOf });
}

function openTransport(config: MailConfig): MailTransport {
  const { way } = config;
  switch (way.kind) {
    case 'smtp':
      return openWhenUsed(async () => (await import('./smtp-transport.ts')).createSmtpTransport(way.server, config));
    case 'folder':
      return openWhenUsed(async () => (await import('./folder-transport.ts')).createFolderTransport(way.folder));
    case 'none':
      return {
        send: () => Promise.reject(new MailError('TEMPORARY', 'No mail server is configured: SMTP_URL is not set')),
        close: () => undefined,
      };
  }
}

/** Gateways write mails and leave the sending to workers: what sends is loaded with the first mail that is sent. */
function openWhenUsed(open: () => Promise<MailTransport>): MailTransport {
  let opening: Promise<MailTransport> | undefined;
  return {
    async send(...mail) {
      opening ??= open();
      return (await opening).send(...mail);
    },
    close: () => void opening?.then((transport) => transport.close()),
  };
}
