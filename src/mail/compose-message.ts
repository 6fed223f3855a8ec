import type { SendMailOptions } from 'nodemailer';
import type { MailAddress } from './mail-address.ts';
import type { OutgoingMail } from './mail-transport.ts';

/** A mail as nodemailer takes it. It is never to read files or URLs, whatever a text looks like. */
export function composeMessage(mail: OutgoingMail): SendMailOptions {
  return {
    from: toNodemailer(mail.from),
    to: [toNodemailer(mail.to)],
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    ...(mail.returnPath === undefined ? {} : { envelope: { from: mail.returnPath, to: mail.to.email } }),
    date: mail.at,
    messageId: mail.messageId,
    // RFC 3834: no automatic answers to automatic mail.
    headers: { 'Auto-Submitted': 'auto-generated' },
    xMailer: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function toNodemailer({ name, email }: MailAddress): { readonly name: string; readonly address: string } {
  return { name: name ?? '', address: email };
}
