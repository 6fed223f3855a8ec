import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FolderInUseError, ownFolder } from '../../src/embedded/folder-owner.ts';
import { identifyProcess } from '../../src/embedded/processes.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startStranger } from '../support/stranger.ts';

test('a folder has one owner until it is released', () => {
  const directory = uniqueDirectory('owned');
  const release = ownFolder(directory);
  expect(() => ownFolder(directory)).toThrow(FolderInUseError);
  release();
  const releaseAgain = ownFolder(directory);
  // A second call of the first release takes nothing from the new owner.
  release();
  expect(() => ownFolder(directory)).toThrow(FolderInUseError);
  releaseAgain();
});

test('an owner that has ended is replaced', async () => {
  const directory = uniqueDirectory('owned');
  await mkdir(directory);
  const child = startStranger();
  await once(child, 'spawn');
  await writeFile(join(directory, 'owner.json'), JSON.stringify(identifyProcess(child.pid!)));
  expect(() => ownFolder(directory)).toThrow(`in use by process ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  ownFolder(directory)();
});

test.runIf(process.platform === 'linux')(
  'a later process with the number of a dead owner is not taken for it',
  async () => {
    const directory = uniqueDirectory('owned');
    await mkdir(directory);
    await writeFile(
      join(directory, 'owner.json'),
      JSON.stringify({ pid: process.pid, startedAt: 'an earlier boot/1' }),
    );
    const release = ownFolder(directory);
    expect(JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8'))).toEqual(identifyProcess(process.pid));
    release();
  },
);

test('an owner file that was cut off belongs to nobody', async () => {
  const directory = uniqueDirectory('owned');
  await mkdir(directory);
  await writeFile(join(directory, 'owner.json'), '{"pid":1');
  ownFolder(directory)();
});
