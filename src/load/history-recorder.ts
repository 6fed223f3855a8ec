import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Disturbance, History, Seen, Told } from './history.ts';

/** Gathers what the clients of a run are told. A million cases make some four million entries: that is its limit. */
export class HistoryRecorder implements History {
  readonly told: Told[] = [];
  readonly watchers: string[] = [];
  readonly seen: Seen[] = [];
  readonly disturbances: Disturbance[] = [];
}

/** Writes a history to a file, one JSON object a line, for a look at it or another checker. */
export async function writeHistory(history: History, file: string): Promise<void> {
  const stream = createWriteStream(file);
  const write = (kind: string, entry: object): void => void stream.write(`${JSON.stringify({ kind, ...entry })}\n`);
  for (const entry of history.told) write('told', entry);
  for (const entry of history.seen) write('seen', entry);
  for (const entry of history.disturbances) write('disturbance', entry);
  stream.end();
  await finished(stream);
}
