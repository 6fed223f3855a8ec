import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { composeMessage } from './compose-message.ts';
import type { MailTransport } from './mail-transport.ts';
import { MailError } from './mail-transport.ts';

/**
 * The mailbox of development: each mail becomes a file `<message id>.eml`, which mail programs open. A mail that is sent
 * again becomes the same file.
 */
export function createFolderTransport(folder: string): MailTransport {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  return {
    async send(mail) {
      const { message } = await composer.sendMail(composeMessage(mail));
      const name = `${mail.messageId.slice(1, mail.messageId.indexOf('@'))}.eml`;
      const draft = join(folder, `.${name}.${process.pid}`);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(draft, message as Buffer, { mode: 0o600 });
        await rename(draft, join(folder, name));
      } catch (error) {
        throw new MailError('TEMPORARY', 'The mail folder cannot be written', error);
      }
      return `kept as ${name}`;
    },
    close: () => undefined,
  };
}
