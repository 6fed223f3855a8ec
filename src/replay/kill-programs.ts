import type { ChildProgram } from '../load/child-program.ts';
import { pause } from '../load/load-client.ts';
import type { Random } from '../load/random.ts';
import { pickOne } from '../load/random.ts';

/**
 * Kills programs at random while something goes on, each of a kind that still has another one at work, and starts each
 * again at once.
 * @param spanMilliseconds over which the deeds are spread
 * @returns what was killed, how often; when everything runs again
 * @throws Error when something did not come up again
 */
export async function killPrograms(
  programs: readonly ChildProgram[],
  kills: number,
  spanMilliseconds: number,
  random: Random,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const done = new Map<string, number>();
  const restarts: Promise<void>[] = [];
  for (let kill = 0; kill < kills && !signal.aborted; kill++) {
    await pause((spanMilliseconds / kills) * (0.5 + random()), signal);
    const victim = pickOne(random, programs);
    const others = programs.filter((program) => program !== victim && program.kind === victim.kind && program.running);
    if (signal.aborted || !victim.running || others.length === 0) continue;
    await victim.kill();
    done.set(victim.kind, (done.get(victim.kind) ?? 0) + 1);
    restarts.push(victim.start());
  }
  await Promise.all(restarts);
  return done;
}
