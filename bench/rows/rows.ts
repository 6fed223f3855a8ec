import { alone } from './alone.ts';
import { heldSnapshot } from './held-snapshot.ts';
import { idle } from './idle.ts';
import { pairs } from './pairs.ts';
import { backlog, consume, delivery, dequeue, enqueue } from './queue.ts';
import { register } from './register.ts';
import type { Row } from './row.ts';
import { seal } from './seal.ts';
import { start } from './start.ts';
import { submit } from './submit.ts';
import { createJobs, idleWorker, runTasks, taskLatency } from './tasks.ts';

/** All rows, in the order in which they run. */
export const rows: readonly Row[] = [
  register,
  pairs,
  submit,
  seal,
  alone,
  heldSnapshot,
  enqueue,
  dequeue,
  consume,
  backlog,
  delivery,
  idle,
  start,
  createJobs,
  runTasks,
  taskLatency,
  idleWorker,
];
