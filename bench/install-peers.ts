import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const lockFile = join(folder, 'package-lock.json');
/** Holds the digest of the lock file that the packages were installed from. */
const marker = join(folder, 'node_modules', '.installed');
const outputCharactersMax = 20_000;

/**
 * Installs the other job queues below `bench/`, on first use or after their versions changed.
 * @throws Error with npm's last words
 */
export async function installPeers(): Promise<void> {
  const digest = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === digest) return;
  process.stderr.write('Installing the other job queues for the comparison, once (about 30 MB) …\n');
  await runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']);
  writeFileSync(marker, digest);
}

async function runNpm(args: readonly string[]): Promise<void> {
  const { command, first, shell } = npmCommand();
  const child = spawn(command, [...first, ...args], { cwd: folder, shell, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-outputCharactersMax);
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw new Error(`The other job queues could not be installed; --no-peers leaves them out.\n${output.trim()}`);
  }
}

/** The npm that started us, where one did; it need not be the one on the PATH. */
export function npmCommand(): { readonly command: string; readonly first: readonly string[]; readonly shell: boolean } {
  const started = process.env.npm_execpath;
  if (started !== undefined && /np[mx]-cli\.js$/.test(started)) {
    const cli = join(dirname(started), 'npm-cli.js');
    if (existsSync(cli)) return { command: process.execPath, first: [cli], shell: false };
  }
  return process.platform === 'win32'
    ? { command: 'npm.cmd', first: [], shell: true }
    : { command: 'npm', first: [], shell: false };
}
