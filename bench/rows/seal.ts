import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSmtpTransport } from '../../src/mail/smtp-transport.ts';
import type { Bench } from '../bench.ts';
import type { Child } from '../child.ts';
import { ask, startChild } from '../child.ts';
import { authSecret, startOurs } from '../contender.ts';
import { namespace } from '../operations.ts';
import { withClient } from '../stage.ts';
import { ratios } from '../statistics.ts';
import { Workbench } from '../workbench.ts';
import type { Row } from './row.ts';

const providersCount = 1_000;
const requestsEach = 100;
/** The same requests in few windows that hold very many. */
const largeWindows = 10;
const secondsMax = 180;
const roundsMax = 2;
/** Sealing, rendering and writing down are to take no longer than sending does, where sending takes what it does. */
const servers = [
  { name: 'a mail server that answers at once', answerMilliseconds: 0, bound: undefined },
  { name: 'one that takes 50 ms a mail', answerMilliseconds: 50, bound: { atMost: 2 } },
] as const;
/** As many as the product's own pool has. */
const connections = 4;

export const seal: Row = {
  name: 'seal',
  title: `the end of a window of ${providersCount} providers with ${requestsEach} requests each: seal, render, write down, send`,
  async run(bench: Bench) {
    const { stage } = bench;
    const sink = await startChild({ module: 'bench/mail-sink.ts', name: 'mail-sink', environment: {} });
    const workbench = await Workbench.open(stage, 'digests');
    const product = await startOurs(stage, workbench);
    const figures = servers.map((server) => ({ ...server, whole: [] as number[], alone: [] as number[] }));
    const memory: number[] = [];
    const smallMemory: number[] = [];
    const largeMemory: number[] = [];
    try {
      const rounds = Math.min(bench.options.effort.rounds, roundsMax);
      for (let round = 1; round <= rounds; round++) {
        for (const { answerMilliseconds, whole, alone } of figures) {
          const { port } = await ask<{ port: number }>(sink, { answerMilliseconds });
          if (answerMilliseconds === 0)
            smallMemory.push(
              (await sealAll(stage.directory, workbench, port, providersCount, requestsEach / 10)).megabytes,
            );
          const all = await sealAll(stage.directory, workbench, port, providersCount, requestsEach);
          if (answerMilliseconds === 0) memory.push(all.megabytes);
          whole.push(all.seconds);
          alone.push(await sendAgain(workbench, port));
          if (answerMilliseconds === 0) {
            const requests = (providersCount * requestsEach) / largeWindows;
            largeMemory.push((await sealAll(stage.directory, workbench, port, largeWindows, requests)).megabytes);
          }
          process.stderr.write(
            `  round ${round}, ${answerMilliseconds} ms a mail: ${all.seconds.toFixed(1)} s in all, ${alone.at(-1)!.toFixed(1)} s for sending alone\n`,
          );
        }
      }
    } finally {
      await product.stop();
      await workbench.close();
      await sink.stop();
    }
    return {
      lines: [],
      goals: [
        ...figures.flatMap(({ name, whole, alone, bound }) => [
          { what: `all of it, ${name}`, values: whole, unit: 's', bound: undefined },
          { what: `sending the same mails and nothing else, ${name}`, values: alone, unit: 's', bound: undefined },
          { what: `all of it / sending alone, ${name}`, values: ratios(whole, alone), unit: '×', bound },
        ]),
        { what: 'memory of the worker at its highest', values: memory, unit: 'MB', bound: undefined },
        {
          what: 'of that with a tenth of the requests for each',
          values: ratios(memory, smallMemory),
          unit: '×',
          bound: { atMost: 1.5 },
        },
        {
          what: `memory with as many requests in ${largeWindows} windows, ${((providersCount * requestsEach) / largeWindows).toLocaleString('en')} each`,
          values: largeMemory,
          unit: 'MB',
          bound: undefined,
        },
        {
          what: `of that with ${requestsEach} requests a window`,
          values: ratios(largeMemory, memory),
          unit: '×',
          bound: { atMost: 1.2 },
        },
      ],
      notes: [],
    };
  },
};

/** Lays out windows that are full, ends them all, and waits until the last digest is sent. */
async function sealAll(
  directory: string,
  workbench: Workbench,
  port: number,
  providers: number,
  requests: number,
): Promise<{ seconds: number; megabytes: number }> {
  await layOut(workbench, providers, requests);
  const worker = await startWorker(directory, workbench, port);
  try {
    const startedAt = performance.now();
    await withClient(workbench.databaseUrl, async (client) => {
      await client.query(`
        with ended as (update digests set window_end = clock_timestamp() returning id)
        select add_digest_task(id, 'digest-seal', jsonb_build_object('digestId', id), null, 20) from ended`);
      for (;;) {
        const { rows } = await client.query<{ open: number }>(
          `select count(*)::integer as open from digests where state <> 'SENT'`,
        );
        if (rows[0]!.open === 0) return;
        if (performance.now() - startedAt > secondsMax * 1_000)
          throw new Error(`${rows[0]!.open} digests were not sent within ${secondsMax} s`);
        await delay(50);
      }
    });
    return { seconds: (performance.now() - startedAt) / 1_000, megabytes: await readHighestMemory(worker.pid) };
  } finally {
    await worker.stop();
  }
}

function startWorker(directory: string, workbench: Workbench, port: number): Promise<Child> {
  return startChild({
    module: 'src/worker.ts',
    name: 'worker',
    environment: {
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      DATABASE_URLS: workbench.databaseUrl,
      NATS_URL: workbench.natsUrl,
      AUTH_SECRET: authSecret,
      URL_SECRET: authSecret,
      BLOB_URL: `fs:${join(directory, 'blobs')}`,
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      SMTP_TLS: 'off',
      MAIL_FROM: 'Caseload <digests@example.org>',
    },
  });
}

async function layOut(workbench: Workbench, providers: number, requests: number): Promise<void> {
  await workbench.clear();
  await withClient(workbench.databaseUrl, async (client) => {
    await client.query('truncate recipients, jobs, tasks, task_attempts, mails');
    const schedule = { timeZone: 'UTC', rhythm: { kind: 'cron', expression: '0 0 * * *' }, quietHours: null };
    await client.query(
      `insert into recipients (id, namespace, kind, external_id, email, time_zone, schedule)
       select overlay(uuidv7()::text placing '000' from 16)::uuid, $1, 'PROVIDER', 'P' || n, 'p' || n || '@example.org', 'UTC', $3::jsonb
         from generate_series(1, $2::integer) n
       union all
       select overlay(uuidv7()::text placing '000' from 16)::uuid, $1, 'CUSTOMER', 'C' || n, 'c' || n || '@example.org', 'UTC', null
         from generate_series(1, 100) n`,
      [namespace, providers, JSON.stringify(schedule)],
    );
    await client.query(
      `select open_digest(id, version, now() - interval '1 day', now() + interval '1 day') from recipients where kind = 'PROVIDER'`,
    );
    await client.query(
      `with fresh as (
         select overlay(uuidv7()::text placing '000' from 16)::uuid as id, d.id as digest, d.recipient_id as provider, c.id as customer, n
           from digests d cross join generate_series(1, $2::integer) n
           join recipients c on c.kind = 'CUSTOMER' and c.external_id = 'C' || (n % 100 + 1)
       ), request_rows as (
         insert into requests (id, namespace, customer_id, provider_id, item_external_id, item_description, quantity,
                               answer_within_days, submitted_by, submitted_at, follow_up_at)
         select id, $1, customer, provider, '85123A', 'WHITE HANGING HEART T-LIGHT HOLDER', n, 3, 'bench', now(), now() + interval '3 days'
           from fresh
       )
       insert into digest_items (request_id, kind, digest_id) select id, 'REQUEST', digest from fresh`,
      [namespace, requests],
    );
    await client.query('vacuum (analyze) recipients, requests, digests, digest_items, items, tasks, events');
    await client.query('checkpoint');
  });
}

/** Sends the mails that were written down once more, from this process, with nothing around it. @returns seconds */
async function sendAgain(workbench: Workbench, port: number): Promise<number> {
  const mails = await withClient(workbench.databaseUrl, async (client) => {
    const { rows } = await client.query<{
      recipient: string;
      subject: string;
      html: string;
      text: string;
      message_id: string;
    }>('select recipient, subject, html, text, message_id from mails');
    return rows;
  });
  const from = { name: 'Caseload', email: 'digests@example.org' };
  const server = {
    host: '127.0.0.1',
    port,
    implicitTls: false,
    startTls: 'off',
    user: undefined,
    password: undefined,
  } as const;
  const transport = createSmtpTransport(server, { from, sendSeconds: 20 });
  const never = new AbortController().signal;
  const startedAt = performance.now();
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let mail = mails[next++]; mail !== undefined; mail = mails[next++]) {
      const { subject, html, text, message_id: messageId } = mail;
      const to = { name: undefined, email: mail.recipient };
      await transport.send({ messageId, from, to, subject, html, text, at: new Date() }, never, () =>
        Promise.resolve(),
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, sender));
    return (performance.now() - startedAt) / 1_000;
  } finally {
    transport.close();
  }
}

/** What a process has had in memory at its highest, in megabytes; 0 where the system does not tell. */
async function readHighestMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_024;
}
