import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMilliseconds = 250;
const waitMilliseconds = 20 * 60_000;

/**
 * Takes a lock that holds between processes: a folder with the holder's process number in it. A holder that has died
 * loses it.
 * @param {string} folder
 * @param {() => void} onWait called once when somebody else holds it
 * @returns {Promise<() => void>} gives it back
 */
export async function takeLock(folder, onWait) {
  mkdirSync(dirname(folder), { recursive: true });
  const deadline = Date.now() + waitMilliseconds;
  let told = false;
  while (!tryLock(folder)) {
    const holder = readHolder(folder);
    if (holder !== undefined && !isAlive(holder)) {
      removeDead(folder, holder);
      continue;
    }
    if (Date.now() > deadline)
      throw new Error(`Process ${holder} has held ${folder} for too long. Stop it, or remove that folder`);
    if (!told) onWait();
    told = true;
    await delay(pollMilliseconds);
  }
  return () => rmSync(folder, { recursive: true, force: true });
}

/** The folder is complete before it gets its name, so nobody ever sees a lock without its holder. */
function tryLock(folder) {
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  writeFileSync(join(draft, 'pid'), String(process.pid));
  try {
    renameSync(draft, folder);
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(error.code) && readHolder(folder) !== undefined)
      return false;
    // Given back between the two looks.
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Of two processes that find the same dead holder only one gets to move the folder away. */
function removeDead(folder, holder) {
  const moved = `${folder}.dead.${process.pid}`;
  try {
    renameSync(folder, moved);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (readHolder(moved) === holder) rmSync(moved, { recursive: true, force: true });
  else renameSync(moved, folder);
}

function readHolder(folder) {
  try {
    return Number(readFileSync(join(folder, 'pid'), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
