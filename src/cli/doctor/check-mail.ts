import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { verifySmtpServer } from '../../mail/smtp-transport.ts';
import type { Check } from './check.ts';
import { ok, reasonOf, warning, wrong } from './check.ts';

const name = 'mail';

/** Whether mail can leave: signs in to the server, or writes to the mailbox's folder. Sends nothing. */
export async function checkMail({ mail, caseTasks }: Config): Promise<Check> {
  const { way } = mail;
  if (way.kind === 'none') {
    const isWanted = caseTasks.others !== 'none' || caseTasks.namespaces.size > 0;
    if (!isWanted) return ok(name, 'no server is configured, and no tasks follow from cases');
    return warning(name, 'no server is configured: mails of cases wait', 'set SMTP_URL and MAIL_FROM');
  }
  if (way.kind === 'folder') return checkFolder(way.folder);
  const address = `${way.server.host}:${way.server.port}`;
  try {
    await verifySmtpServer(way.server, mail);
    return ok(name, `${address} takes mail from ${mail.from.email}`);
  } catch (error) {
    return wrong(name, `${address}: ${reasonOf(error)}`, 'check SMTP_URL and SMTP_TLS');
  }
}

async function checkFolder(folder: string): Promise<Check> {
  const probe = join(folder, `.doctor-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, '');
    await rm(probe);
    return ok(name, `mails are put into ${folder}`);
  } catch (error) {
    return wrong(name, `${folder}: ${reasonOf(error)}`, 'make MAIL_FOLDER a folder that this account can write to');
  }
}
