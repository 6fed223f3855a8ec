import { once } from 'node:events';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunningModule } from '../support/run-module.ts';
import { runModule } from '../support/run-module.ts';

/** Starts a program the way bin/start.mjs does, from a process that stands for the launcher. */
function launch(program: string): RunningModule {
  const launcher = new URL('../../bin/launch.mjs', import.meta.url).href;
  return runModule(`
    import { runNode } from ${JSON.stringify(launcher)};
    const { code, interrupted } = await runNode(process.execPath, ['-e', ${JSON.stringify(program)}]);
    console.log('interrupted ' + interrupted);
    process.exitCode = code;
  `);
}

const stopsInOrder = `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      console.log('told ' + signal);
      setTimeout(() => { console.log('stopped in order'); process.exit(7); }, 300);
    });
  }
  setInterval(() => {}, 1000);
  console.log('running');
`;

test('a program ends the launcher with its own exit code', async () => {
  const { child, output } = launch('process.exitCode = 3; console.log(process.argv.length)');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(3);
  expect(await output).toBe('1\ninterrupted false\n');
});

describe.skipIf(process.platform === 'win32')('signals', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'a %s that comes twice, from the terminal and from npm, is passed on once, and the orderly stop is waited for',
    async (signal) => {
      const { child, printed, output } = launch(stopsInOrder);
      await printed('running');
      child.kill(signal);
      // Not at the very same time: the system itself makes one of two that wait to be delivered.
      await printed(`told ${signal}`);
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number];
      expect(code).toBe(7);
      expect(await output).toBe(`running\ntold ${signal}\nstopped in order\ninterrupted true\n`);
    },
  );

  test('a program that dies of a signal ends the launcher as a shell would', async () => {
    const { child } = launch("process.kill(process.pid, 'SIGKILL')");
    expect(((await once(child, 'exit')) as [number])[0]).toBe(128 + 9);
  });

  test('a program whose launcher was killed is told to stop', async () => {
    const { child, firstLine, output } = launch(stopsInOrder);
    await firstLine;
    child.kill('SIGKILL');
    expect(await output).toBe('running\ntold SIGTERM\nstopped in order\n');
  });
});

test('programs that the program starts find the same Node, and nothing of the launcher', async () => {
  const { output } = launch(`
    console.log(process.env.PATH.split(require('node:path').delimiter)[0]);
    console.log(process.env.CASELOAD_LAUNCHER_PIPE);
  `);
  expect(await output).toBe(`${dirname(process.execPath)}\nundefined\ninterrupted false\n`);
});
