import type { Logger } from '../log.ts';
import { createFolderTransport } from './folder-transport.ts';
import type { MailConfig } from './mail-config.ts';
import type { MailTransport } from './mail-transport.ts';
import { MailError } from './mail-transport.ts';
import { Mailer } from './mailer.ts';
import { createSmtpTransport } from './smtp-transport.ts';

/** The mailer that the configuration names. Connections are opened when there is something to send. */
export function openMailer(config: MailConfig, newId: (shard: number) => string, log: Logger): Mailer {
  return new Mailer({ config, transport: openTransport(config), newId, log });
}

function openTransport(config: MailConfig): MailTransport {
  switch (config.way.kind) {
    case 'smtp':
      return createSmtpTransport(config.way.server, config);
    case 'folder':
      return createFolderTransport(config.way.folder);
    case 'none':
      return {
        send: () => Promise.reject(new MailError('TEMPORARY', 'No mail server is configured: SMTP_URL is not set')),
        close: () => undefined,
      };
  }
}
