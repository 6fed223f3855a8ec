// Loaded before a program that launch.mjs starts. The launcher holds the other end of a pipe; it closes when the
// launcher is gone, and a launcher that ends in order outlives its program. So a closed pipe means it was killed.
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

const descriptor = Number(process.env.CASELOAD_LAUNCHER_PIPE);
// Processes that the program starts have no such pipe.
delete process.env.CASELOAD_LAUNCHER_PIPE;

if (isMainThread && Number.isInteger(descriptor) && descriptor > 2) {
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  pipe.once('close', () => process.kill(process.pid, 'SIGTERM'));
  // A broken pipe is a closed one; 'close' follows.
  pipe.on('error', () => undefined);
  pipe.resume();
  pipe.unref();
}
