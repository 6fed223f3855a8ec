import type { CaseTaskRules } from './cases/case-task-rules.ts';
import { readCaseTaskRules } from './cases/case-task-rules.ts';
import type { ScannerConfig } from './documents/scan-document.ts';
import { limits } from './domain/limits.ts';
import { isName } from './domain/names.ts';
import type { MailConfig } from './mail/mail-config.ts';
import { readMailConfig } from './mail/mail-config.ts';
import type { OidcConfig } from './site/oidc-config.ts';
import { readOidcConfig } from './site/oidc-config.ts';

/** The whole configuration, read once from the environment. */
export interface Config {
  readonly mode: 'development' | 'production';
  readonly host: string;
  readonly port: number;
  /** Health and metrics of the program on a port of their own; undefined for none. */
  readonly healthPort: number | undefined;
  /** One PostgreSQL URL a shard; the position in the list is the shard's number. */
  readonly databaseUrls: readonly string[];
  /** The region of each shard, in the order of `databaseUrls`; empty where there are no regions. */
  readonly shardRegions: readonly string[];
  /** In which region this program runs. */
  readonly region: string | undefined;
  readonly natsUrl: string;
  readonly natsCredentialsFile: string | undefined;
  readonly streamReplicas: number | undefined;
  readonly authSecret: string | undefined;
  /** Tokens under the secret before are good while this is set; it signs nothing. */
  readonly authSecretPrevious: string | undefined;
  readonly authJwksUrl: string | undefined;
  readonly authIssuer: string | undefined;
  readonly authAudience: string | undefined;
  /** Signs upload and download URLs. */
  readonly urlSecret: string;
  /** URLs under the secret before are good while this is set; it signs nothing. */
  readonly urlSecretPrevious: string | undefined;
  /** How clients reach this gateway, for the URLs that it hands out. */
  readonly publicUrl: string;
  /** `fs:<folder>` or `s3:<endpoint>/<bucket>`. */
  readonly blobUrl: string;
  readonly s3: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string } | undefined;
  readonly casesHeldPerPerson: number;
  /** Decided cases are removed with all that belongs to them after so many days; undefined keeps them for ever. */
  readonly casesKeptDays: number | undefined;
  /** Where spans are sent over OTLP; undefined traces nothing. */
  readonly tracesUrl: string | undefined;
  /** Requests that have ended, and their digests, are removed after so many days; undefined keeps them. */
  readonly requestsKeptDays: number | undefined;
  /** Jobs are removed with all that belongs to them so many days after their last task; undefined keeps them for ever. */
  readonly jobsKeptDays: number | undefined;
  /** How long the history of an item is kept once it has left the priority queue. */
  readonly queueHistoryDays: number;
  readonly documentBytesMax: number;
  readonly poolConnections: number;
  readonly logLevel: string;
  readonly allowedOrigins: readonly string[];
  /** From which each namespace's key for signing webhooks is made. */
  readonly webhookSecret: string;
  /** Addresses beside public ones to which webhooks may go. Development allows the loopback interface. */
  readonly webhookPrivateAddresses: 'none' | 'loopback' | 'all';
  readonly mail: MailConfig;
  /** Where document checks show the bytes; undefined without a scanner. */
  readonly documentScanner: ScannerConfig | undefined;
  /** The gateway signs tokens of example people for browsers on the same machine; never in production. */
  readonly developmentSignIn: boolean;
  /** How people sign in to the dashboard; undefined without an identity provider. */
  readonly oidc: OidcConfig | undefined;
  /** Which tasks follow from registrations and decisions. */
  readonly caseTasks: CaseTaskRules;
}

/** The configuration has faults; the message lists all of them, one a line, with the way out. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment.
 * @throws ConfigError naming every fault at once.
 */
export function readConfig(environment: Environment): Config {
  const faults: string[] = [];
  const text = (name: string): string | undefined => {
    const value = environment[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    faults.push(`${name} must be a whole number from ${min} to ${max}, not '${value}'`);
    return fallback;
  };
  const mode = text('NODE_ENV') === 'production' ? 'production' : 'development';
  const port = whole('PORT', 4000, 0, 65_535);
  const databaseUrls = (text('DATABASE_URLS') ?? text('DATABASE_URL') ?? '')
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (databaseUrls.length === 0)
    faults.push(
      'DATABASE_URLS is needed: one postgres:// URL a shard, separated by commas (npm start brings its own database)',
    );
  for (const [index, url] of databaseUrls.entries()) {
    if (!/^postgres(ql)?:\/\//.test(url)) faults.push(`DATABASE_URLS entry ${index + 1} must start with postgres://`);
  }
  if (databaseUrls.length > 4096) faults.push('DATABASE_URLS may name at most 4096 shards');
  const shardRegions = (text('SHARD_REGIONS') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const region = text('REGION');
  if (shardRegions.some((name) => !isName(name)))
    faults.push("SHARD_REGIONS must be names of a-z, 0-9 and '-', separated by commas");
  if (shardRegions.length > 0 && shardRegions.length !== databaseUrls.length)
    faults.push(`SHARD_REGIONS must name a region for each of the ${databaseUrls.length} entries of DATABASE_URLS`);
  if (region === undefined && shardRegions.length > 0)
    faults.push('REGION is needed with SHARD_REGIONS: the region in which this program runs');
  if (region !== undefined && !shardRegions.includes(region))
    faults.push(`REGION must be one of SHARD_REGIONS, not '${region}'`);
  const natsUrl = text('NATS_URL');
  if (natsUrl === undefined)
    faults.push('NATS_URL is needed, for instance nats://127.0.0.1:4222 (npm start brings its own nats-server)');
  const authSecret = text('AUTH_SECRET');
  const authJwksUrl = text('AUTH_JWKS_URL');
  if (authSecret === undefined && authJwksUrl === undefined)
    faults.push('AUTH_JWKS_URL or AUTH_SECRET is needed: without one no token can be checked');
  if (authSecret !== undefined && authSecret.length < 32) faults.push('AUTH_SECRET must have at least 32 characters');
  const urlSecret = text('URL_SECRET') ?? authSecret;
  if (urlSecret === undefined)
    faults.push('URL_SECRET is needed when AUTH_SECRET is not set: it signs upload and download URLs');
  if (urlSecret !== undefined && urlSecret.length < 32) faults.push('URL_SECRET must have at least 32 characters');
  const authSecretPrevious = text('AUTH_SECRET_PREVIOUS');
  const urlSecretPrevious =
    text('URL_SECRET_PREVIOUS') ?? (text('URL_SECRET') === undefined ? authSecretPrevious : undefined);
  if (authSecretPrevious !== undefined && authSecretPrevious.length < 32)
    faults.push('AUTH_SECRET_PREVIOUS must have at least 32 characters');
  if (urlSecretPrevious !== undefined && urlSecretPrevious.length < 32)
    faults.push('URL_SECRET_PREVIOUS must have at least 32 characters');
  const webhookSecret = text('WEBHOOK_SECRET');
  if (webhookSecret !== undefined && webhookSecret.length < 32)
    faults.push('WEBHOOK_SECRET must have at least 32 characters');
  const allowPrivate = text('WEBHOOK_ALLOW_PRIVATE');
  if (allowPrivate !== undefined && allowPrivate !== 'true' && allowPrivate !== 'false')
    faults.push(`WEBHOOK_ALLOW_PRIVATE must be true or false, not '${allowPrivate}'`);
  const developmentSignIn = text('DEVELOPMENT_SIGN_IN') === 'true';
  if (developmentSignIn && mode === 'production') faults.push('DEVELOPMENT_SIGN_IN must not be set in production');
  const oidc = readOidcConfig(text, mode, faults);
  const blobUrl = text('BLOB_URL');
  if (blobUrl === undefined) faults.push('BLOB_URL is needed: fs:<folder> or s3:<endpoint>/<bucket>');
  else if (!/^(fs|s3):.+/.test(blobUrl)) faults.push('BLOB_URL must start with fs: or s3:');
  const accessKeyId = text('S3_ACCESS_KEY_ID');
  const secretAccessKey = text('S3_SECRET_ACCESS_KEY');
  if (blobUrl?.startsWith('s3:') && (accessKeyId === undefined || secretAccessKey === undefined))
    faults.push('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are needed for an s3: BLOB_URL');
  const tracesUrl = text('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (tracesUrl !== undefined && !/^https?:\/\/.+/.test(tracesUrl))
    faults.push('OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// URL, for instance http://127.0.0.1:4318');
  const host = text('HOST') ?? '127.0.0.1';
  const config: Config = {
    mode,
    host,
    port,
    healthPort: text('HEALTH_PORT') === undefined ? undefined : whole('HEALTH_PORT', 0, 0, 65_535),
    databaseUrls,
    shardRegions,
    region,
    natsUrl: natsUrl ?? '',
    natsCredentialsFile: text('NATS_CREDENTIALS_FILE'),
    streamReplicas: text('STREAM_REPLICAS') === undefined ? undefined : whole('STREAM_REPLICAS', 1, 1, 5),
    authSecret,
    authSecretPrevious,
    authJwksUrl,
    authIssuer: text('AUTH_ISSUER'),
    authAudience: text('AUTH_AUDIENCE'),
    urlSecret: urlSecret ?? '',
    urlSecretPrevious,
    publicUrl: (text('PUBLIC_URL') ?? `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`).replace(/\/+$/, ''),
    blobUrl: blobUrl ?? '',
    s3:
      accessKeyId !== undefined && secretAccessKey !== undefined
        ? { accessKeyId, secretAccessKey, region: text('S3_REGION') ?? 'us-east-1' }
        : undefined,
    casesHeldPerPerson: whole(
      'CASES_HELD_PER_PERSON',
      limits.casesHeldPerPersonDefault,
      1,
      limits.casesHeldPerPersonMax,
    ),
    casesKeptDays: text('CASES_KEPT_DAYS') === undefined ? undefined : whole('CASES_KEPT_DAYS', 1, 1, 36_500),
    tracesUrl,
    // Longer than an idempotency key, whose request must be there.
    requestsKeptDays: text('REQUESTS_KEPT_DAYS') === undefined ? undefined : whole('REQUESTS_KEPT_DAYS', 2, 2, 36_500),
    jobsKeptDays: text('JOBS_KEPT_DAYS') === undefined ? undefined : whole('JOBS_KEPT_DAYS', 1, 1, 36_500),
    queueHistoryDays: whole('QUEUE_HISTORY_DAYS', limits.queueHistoryDays, 1, 36_500),
    documentBytesMax: whole('DOCUMENT_BYTES_MAX', limits.documentBytes, 1, 2_147_483_647),
    poolConnections: whole('POOL_CONNECTIONS', 10, 2, 100),
    logLevel: text('LOG_LEVEL') ?? 'info',
    allowedOrigins: (text('ALLOWED_ORIGINS') ?? '')
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
    // Receivers of webhooks know keys made from it, so it is never the secret that signs URLs.
    webhookSecret: webhookSecret ?? `webhooks of ${urlSecret ?? ''}`,
    webhookPrivateAddresses:
      allowPrivate === 'true' ? 'all' : allowPrivate === undefined && mode === 'development' ? 'loopback' : 'none',
    mail: readMailConfig(text, mode, faults),
    documentScanner: readScanner(text('DOCUMENT_SCAN_URL'), text('DOCUMENT_SCAN_TOKEN'), faults),
    developmentSignIn: developmentSignIn && authSecret !== undefined,
    oidc,
    caseTasks: readCaseTaskRules(text('CASE_TASKS'), faults),
  };
  if (faults.length > 0)
    throw new ConfigError(`The configuration has faults:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return Object.freeze(config);
}

function readScanner(url: string | undefined, token: string | undefined, faults: string[]): ScannerConfig | undefined {
  if (url === undefined) return undefined;
  if (URL.canParse(url) && /^https?:/.test(url)) return { url: new URL(url), token };
  faults.push('DOCUMENT_SCAN_URL must start with http:// or https://');
  return undefined;
}
