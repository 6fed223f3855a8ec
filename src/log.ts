import type { Logger } from 'pino';
import { pino } from 'pino';

export type { Logger };

/** JSON lines on standard error (standard output belongs to what a command prints). */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      base: { name },
      redact: { paths: ['authorization', '*.authorization', 'token', '*.token'], remove: true },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}
