import { expect, it } from 'vitest';
import { readMailConfig } from '../../src/mail/mail-config.ts';

function read(environment: Readonly<Record<string, string>>, mode: 'development' | 'production' = 'production') {
  const faults: string[] = [];
  return { config: readMailConfig((name) => environment[name], mode, faults), faults };
}

it('reads a server, and insists on TLS in production', () => {
  const from = { MAIL_FROM: 'Cases <cases@example.com>' };
  const { config, faults } = read({ SMTP_URL: 'smtp://me%40x:p%3Aw@mail.example.com', ...from });
  expect(faults).toEqual([]);
  expect(config.from).toEqual({ name: 'Cases', email: 'cases@example.com' });
  expect(config.way).toEqual({
    kind: 'smtp',
    server: {
      host: 'mail.example.com',
      port: 587,
      implicitTls: false,
      startTls: 'required',
      user: 'me@x',
      password: 'p:w',
    },
  });
  expect(read({ SMTP_URL: 'smtps://mail.example.com', ...from }).config.way).toMatchObject({
    server: { port: 465, implicitTls: true, user: undefined },
  });
  expect(read({ SMTP_URL: 'smtp://127.0.0.1:2525', ...from }).config.way).toMatchObject({
    server: { port: 2525, startTls: 'offered' },
  });
});

it('names every fault, and no password', () => {
  const { faults } = read({
    SMTP_URL: 'http://me:secret@mail.example.com',
    MAIL_FROM: 'nobody',
    MAIL_FOLDER: 'mails',
    MAIL_SEND_SECONDS: '0',
    MAIL_WHEN_UNCERTAIN: 'perhaps',
  });
  expect(faults).toHaveLength(5);
  expect(faults.join()).not.toContain('secret');
  expect(read({ SMTP_URL: 'smtp://mail.example.com' }).faults).toEqual([expect.stringContaining('MAIL_FROM')]);
  expect(read({ SMTP_URL: 'smtp://mail.example.com', SMTP_TLS: 'no', MAIL_FROM: 'a@example.com' }).faults).toHaveLength(
    1,
  );
});
