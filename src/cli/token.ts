import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { issueToken } from '../auth/tokens.ts';
import type { Role } from '../domain/actor.ts';
import { roles } from '../domain/actor.ts';
import { isName } from '../domain/names.ts';
import { ensureDevelopmentSecret } from './development-secret.ts';
import { readSurroundings } from './surroundings.ts';

interface TokenOptions {
  readonly user: string;
  readonly roles: readonly Role[];
  readonly namespace: string;
  readonly expires: number;
  readonly secretFile?: string;
}

export function addToken(program: Command): void {
  program
    .command('token')
    .description('print a token, signed with AUTH_SECRET, a secret file, or the development secret')
    .requiredOption('--user <name>', 'who it is for')
    .requiredOption('--roles <list>', `one or more of ${roles.join(', ')}; separated by commas`, parseRoles)
    .requiredOption('--namespace <name>', 'the tenant; * for operators of the whole installation', parseNamespace)
    .option('--expires <seconds>', 'how long it is good', parseSeconds, 86_400)
    .option('--secret-file <path>', 'the secret to sign with')
    .action(async (options: TokenOptions) => {
      const environment = readSurroundings();
      const secret =
        options.secretFile === undefined
          ? (environment.AUTH_SECRET ?? ensureDevelopmentSecret())
          : readFileSync(options.secretFile, 'utf8').trim();
      const token = await issueToken({
        subject: options.user,
        namespace: options.namespace,
        roles: options.roles,
        secret,
        expiresInSeconds: options.expires,
        issuer: environment.AUTH_ISSUER,
        audience: environment.AUTH_AUDIENCE,
      });
      process.stdout.write(`${token}\n`);
    });
}

function parseRoles(text: string): Role[] {
  return text.split(',').map((name) => {
    const role = roles.find((known) => known === name.trim());
    if (role === undefined) throw new InvalidArgumentError(`'${name}' is none of ${roles.join(', ')}.`);
    return role;
  });
}

function parseNamespace(text: string): string {
  if (text !== '*' && !isName(text)) throw new InvalidArgumentError("It has 1 to 63 of a-z, 0-9 and '-'.");
  return text;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 31_536_000)
    throw new InvalidArgumentError('It is a number of seconds, up to a year.');
  return seconds;
}
