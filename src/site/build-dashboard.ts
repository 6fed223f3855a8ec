import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import { takeLock } from '../../bin/lock.mjs';
import { dashboardFolder } from './dashboard-files.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const source = join(project, 'src', 'dashboard');
const digestFile = join(dashboardFolder, 'digest');
const documentsProgram = fileURLToPath(new URL('documents.ts', import.meta.url));
/** Beside the dashboard's own sources: the versions of what is built in, what its operations are typed by, and the way. */
const otherSources = [
  join(project, 'package-lock.json'),
  join(project, 'schema.graphql'),
  documentsProgram,
  fileURLToPath(import.meta.url),
];
/** Made of the other sources at each build. */
const madeHere = join('graphql', 'documents.ts');
const compressible = /\.(?:css|html|js|json|mjs|svg|txt|wasm|bcmap)$/;
/** Below this a file fits into one packet either way. */
const compressedBytesMin = 1_000;
const outputCharactersMax = 4_000;

/** The sources were refused; the message holds the last words of what refused them. */
export class DashboardBuildError extends Error {
  override readonly name = 'DashboardBuildError';
}

/** Whether the built dashboard comes from the sources as they are now. */
export function isDashboardFresh(): boolean {
  return existsSync(digestFile) && readFileSync(digestFile, 'utf8') === digestSources();
}

/**
 * Builds the dashboard when it is missing or older than its sources (about 3 s; nothing to do takes milliseconds).
 * Of several processes one builds and the others wait. The new files take the place of the old ones when they are
 * whole.
 * @param signal ends the build
 * @returns whether anything was built
 * @throws DashboardBuildError
 */
export async function buildDashboard(signal?: AbortSignal): Promise<boolean> {
  if (isDashboardFresh()) return false;
  const release = await takeLock(join(project, 'dist', 'dashboard.lock'), () => undefined);
  const draft = join(project, 'dist', `dashboard-${process.pid}`);
  try {
    if (isDashboardFresh()) return false;
    const digest = digestSources();
    await runProgram([documentsProgram], signal);
    await runVite(draft, signal);
    copyPdfResources(draft);
    await compressAll(draft);
    writeFileSync(join(draft, 'digest'), digest);
    rmSync(dashboardFolder, { recursive: true, force: true });
    renameSync(draft, dashboardFolder);
    return true;
  } finally {
    rmSync(draft, { recursive: true, force: true });
    release();
  }
}

function digestSources(): string {
  const hash = createHash('sha256');
  const files = listFiles(source).filter((file) => file !== madeHere);
  for (const file of [...files.map((file) => join(source, file)), ...otherSources]) {
    hash.update(file).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

async function runVite(folder: string, signal: AbortSignal | undefined): Promise<void> {
  const vite = join(project, 'node_modules', 'vite', 'bin', 'vite.js');
  if (!existsSync(vite)) throw new DashboardBuildError('Vite is not installed, so the dashboard cannot be built here');
  await runProgram([vite, 'build', source, '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'], signal);
}

/** In a process of its own: what a bundler or a generator loads would stay in ours for good. */
async function runProgram(args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-outputCharactersMax);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new DashboardBuildError(`The dashboard could not be built:\n${output.trim()}`);
}

/** What pdf.js loads for some documents only: fonts that a PDF may leave out, character maps, decoders. */
function copyPdfResources(folder: string): void {
  const pdfjs = join(project, 'node_modules', 'pdfjs-dist');
  const { version } = JSON.parse(readFileSync(join(pdfjs, 'package.json'), 'utf8')) as { version: string };
  const target = join(folder, 'assets', `pdf-${version}`);
  mkdirSync(target, { recursive: true });
  for (const name of ['cmaps', 'iccs', 'standard_fonts', 'wasm']) {
    cpSync(join(pdfjs, name), join(target, name), { recursive: true });
  }
}

/** Writes the compressed forms beside each file, once, so that no request has to wait for them. */
async function compressAll(folder: string): Promise<void> {
  const brotli = promisify(brotliCompress);
  const zip = promisify(gzip);
  const files = listFiles(folder).filter((file) => compressible.test(file));
  await Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      const bytes = readFileSync(path);
      if (bytes.length < compressedBytesMin) return;
      const quality = { [zlib.BROTLI_PARAM_QUALITY]: 9, [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length };
      writeFileSync(`${path}.br`, await brotli(bytes, { params: quality }));
      writeFileSync(`${path}.gz`, await zip(bytes, { level: 9 }));
    }),
  );
}
