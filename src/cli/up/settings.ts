import { createHmac } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findFreePort, loopback, PortBusyError, requireFreePort } from '../../embedded/ports.ts';
import { ensureDevelopmentSecret } from '../development-secret.ts';
import { developmentFile, ownFolder } from '../surroundings.ts';
import { UpError } from './up-error.ts';

/** What `caseload up` was asked for, read from the environment before anything is started. */
export interface UpSettings {
  /** Holds everything that it keeps. */
  readonly home: string;
  /** Undefined: a PostgreSQL of our own is started. */
  readonly databaseUrls: string | undefined;
  /** Undefined: a nats-server of our own is started. */
  readonly natsUrl: string | undefined;
  readonly postgresPort: WantedPort;
  readonly natsPort: WantedPort;
  /** 0: any free one. */
  readonly gatewayPort: number;
  readonly host: string;
  readonly logLevel: string;
}

/** A port that was asked for must be had; the usual one is given up for a free one. */
export interface WantedPort {
  readonly port: number;
  readonly asked: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

// Below the range that operating systems take for outgoing connections (from 32768 on Linux).
const usualPostgresPort = 25_433;
const usualNatsPort = 24_222;
const usualGatewayPort = 4_000;

/**
 * Reads the environment.
 * @throws UpError naming what is wrong
 */
export function readUpSettings(environment: Environment): UpSettings {
  const given = (name: string): string | undefined => environment[name]?.trim() || undefined;
  if (given('NODE_ENV') === 'production') {
    throw new UpError(
      'caseload up is for development: it makes up its own secrets. With NODE_ENV=production start src/gateway.ts and src/scheduler.ts, with DATABASE_URLS, NATS_URL and AUTH_JWKS_URL',
      2,
    );
  }
  const port = (name: string, usual: number): WantedPort => {
    const text = given(name);
    if (text === undefined) return { port: usual, asked: false };
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
      throw new UpError(`${name} must be a port from 0 to 65535, not '${text}'`, 2);
    return { port: Number(text), asked: true };
  };
  const host = given('HOST') ?? loopback;
  return {
    home: resolve(ownFolder()),
    databaseUrls: given('DATABASE_URLS') ?? given('DATABASE_URL'),
    natsUrl: given('NATS_URL'),
    postgresPort: port('CASELOAD_POSTGRES_PORT', usualPostgresPort),
    natsPort: port('CASELOAD_NATS_PORT', usualNatsPort),
    gatewayPort: port('PORT', usualGatewayPort).port,
    host,
    logLevel: given('LOG_LEVEL') ?? 'warn',
  };
}

/**
 * Looks for the gateway's port before anything else is started, so that a busy one costs no start of a database.
 * @throws UpError when it is busy
 */
export async function chooseGatewayPort({ gatewayPort: port, host }: UpSettings): Promise<number> {
  if (port === 0) return findFreePort();
  if (![loopback, 'localhost', '0.0.0.0', '::'].includes(host)) return port;
  try {
    await requireFreePort(port, 'the gateway');
    return port;
  } catch (error) {
    if (!(error instanceof PortBusyError)) throw error;
    const other = port < 65_535 ? port + 1 : port - 1;
    throw new UpError(
      `Port ${port} is used by another program: stop that one, or take another port: PORT=${other} npm start`,
    );
  }
}

/**
 * The environment of the programs, complete: what was given, and for everything else what `up` brings.
 * @param servers where the servers are that run by now
 */
export function programEnvironment(
  settings: UpSettings,
  environment: Environment,
  servers: { readonly databaseUrls: string; readonly natsUrl: string },
): Environment {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => (value?.trim() ?? '') !== ''));
  const authSecret = given.AUTH_SECRET ?? ensureDevelopmentSecret();
  return {
    AUTH_SECRET: authSecret,
    URL_SECRET: createHmac('sha256', authSecret).update('caseload document URLs of development').digest('hex'),
    BLOB_URL: `fs:${join(settings.home, 'documents')}`,
    CASE_TASKS: 'all',
    ...(given.SMTP_URL === undefined ? { MAIL_FOLDER: join(settings.home, 'mail') } : {}),
    DEVELOPMENT_SIGN_IN: 'true',
    ...given,
    PORT: String(settings.gatewayPort),
    HOST: settings.host,
    LOG_LEVEL: settings.logLevel,
    DATABASE_URLS: servers.databaseUrls,
    NATS_URL: servers.natsUrl,
  };
}

const notedNames = [
  'HOST',
  'PORT',
  'PUBLIC_URL',
  'DATABASE_URLS',
  'NATS_URL',
  'NATS_CREDENTIALS_FILE',
  'STREAM_REPLICAS',
  'AUTH_SECRET',
  'AUTH_JWKS_URL',
  'AUTH_ISSUER',
  'AUTH_AUDIENCE',
  'URL_SECRET',
  'BLOB_URL',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'S3_REGION',
  'CASES_HELD_PER_PERSON',
  'DOCUMENT_BYTES_MAX',
  'QUEUE_HISTORY_DAYS',
  'CASE_TASKS',
  'MAIL_FOLDER',
  'SMTP_URL',
  'SMTP_TLS',
  'MAIL_FROM',
] as const;

/** Notes down where everything is, for the other commands. It holds secrets: only its owner may read it. */
export function noteSurroundings(environment: Environment): void {
  const noted = Object.fromEntries(notedNames.map((name) => [name, environment[name]]));
  writePrivately(developmentFile(), `${JSON.stringify(noted, null, 2)}\n`);
}

/** Writes a file that appears under its name only when it is whole, and that only its owner may read. */
export function writePrivately(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}
