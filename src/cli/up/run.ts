import { mkdirSync, readFileSync } from 'node:fs';
import { ConfigError } from '../../config.ts';
import { FolderInUseError, ownFolder as lockFolder } from '../../embedded/folder-owner.ts';
import { developmentFile } from '../surroundings.ts';
import { Cleanups } from './cleanups.ts';
import type { Interruption } from './interruption.ts';
import { listenForInterruption } from './interruption.ts';
import type { UpSettings } from './settings.ts';
import { chooseGatewayPort, readUpSettings } from './settings.ts';
import { startAll } from './start-all.ts';
import { Terminal } from './terminal.ts';
import { createUpLog } from './terminal-log.ts';
import { UpError } from './up-error.ts';
import { describeWelcome } from './welcome.ts';

/**
 * Starts everything, stays until Ctrl-C, SIGTERM or a server that cannot be kept up, and stops everything in reverse.
 * @returns the exit code
 */
export async function runUp(): Promise<number> {
  const terminal = new Terminal();
  const cleanups = new Cleanups();
  const interruption = listenForInterruption(() => terminal.line('\nStopping … (once more Ctrl-C ends it at once)'));
  let exitCode = 0;
  try {
    await runUntilEnd(terminal, cleanups, interruption);
  } catch (error) {
    if (!interruption.signal.aborted) exitCode = reportFailure(terminal, error);
  }
  const failures = await cleanups.run();
  for (const failure of failures) terminal.fault(`Did not stop in order: ${failure}`);
  if (interruption.signal.aborted) terminal.line('Stopped.');
  return failures.length > 0 ? 1 : exitCode;
}

async function runUntilEnd(terminal: Terminal, cleanups: Cleanups, interruption: Interruption): Promise<void> {
  const asked = readUpSettings(process.env);
  takeHome(asked.home, cleanups);
  const settings: UpSettings = { ...asked, gatewayPort: await chooseGatewayPort(asked) };
  const failed = Promise.withResolvers<never>();
  // Nobody may be waiting for it yet, or any more.
  failed.promise.catch(() => undefined);
  terminal.line(`Caseload starts; what it keeps lies in ${settings.home}`);
  terminal.line();
  const facts = await startAll({
    settings,
    terminal,
    log: createUpLog(terminal, settings.logLevel),
    cleanups,
    signal: interruption.signal,
    giveUp: failed.reject,
  });
  terminal.line(`\n${describeWelcome(facts)}`);
  terminal.line(`Ready ${(performance.now() / 1_000).toFixed(1)} s after the start. Ctrl-C stops everything.`);
  await Promise.race([interruption.happened, failed.promise]);
}

function takeHome(home: string, cleanups: Cleanups): void {
  // Others may pass through, as the account must that PostgreSQL runs under when root starts it; nobody else may look.
  mkdirSync(home, { recursive: true, mode: 0o711 });
  try {
    cleanups.add('the folder', lockFolder(home));
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new UpError(
      `Caseload runs already in ${home}, as process ${error.pid}${readAddress()}. Stop that one first with Ctrl-C, or give this one a folder of its own: CASELOAD_HOME=<folder>`,
    );
  }
}

/** Where the other one listens, as far as it has noted that down yet. */
function readAddress(): string {
  try {
    const { HOST = '127.0.0.1', PORT, PUBLIC_URL } = JSON.parse(readFileSync(developmentFile(), 'utf8'));
    return `: ${PUBLIC_URL ?? `http://${HOST}:${PORT}`}/graphql`;
  } catch {
    return '';
  }
}

/** What a person can mend is said without a stack trace. */
function reportFailure(terminal: Terminal, error: unknown): number {
  if (error instanceof ConfigError) {
    terminal.fault(error.message);
    return 2;
  }
  if (error instanceof UpError) {
    terminal.fault(error.message);
    return error.exitCode;
  }
  const ours = error instanceof Error && !(error instanceof TypeError || error instanceof ReferenceError);
  terminal.fault(ours ? error.message : String((error as Error | undefined)?.stack ?? error));
  return 1;
}
