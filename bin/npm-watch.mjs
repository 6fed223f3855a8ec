import { readFileSync } from 'node:fs';

const pollMilliseconds = 500;

/**
 * Tells when the npm that runs us has gone. npm passes signals on to the shell between us alone, and that shell dies
 * of them without a word to us, so looking is the only way to know. Without npm above us nothing is watched: whoever
 * starts the launcher by hand may close the shell and let it run.
 * @param {() => void} onGone
 * @returns {() => void} ends the watch
 */
export function watchNpm(onGone) {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return () => undefined;
  const parent = process.ppid;
  const grandparent = isCommandShell(parent) ? parentOf(parent) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (grandparent === undefined || parentOf(parent) === grandparent)) return;
    clearInterval(timer);
    onGone();
  }, pollMilliseconds);
  timer.unref();
  return () => clearInterval(timer);
}

/** `sh -c 'node bin/start.mjs'`; known on Linux only, elsewhere the shell alone is watched. */
function isCommandShell(pid) {
  return readOrEmpty(`/proc/${pid}/cmdline`).split('\0')[1] === '-c';
}

function parentOf(pid) {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  // After the name, which may hold anything: the state, then the parent.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
}

/** A process may have ended between two looks, and not every system has /proc. */
function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
