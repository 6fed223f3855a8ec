/** What the doctor found out about one thing. */
export interface Check {
  readonly name: string;
  /** `unknown`: it could not be looked at, because something before it is wrong. */
  readonly state: 'ok' | 'warning' | 'wrong' | 'unknown';
  readonly found: string;
  /** The one line that mends it. */
  readonly remedy?: string;
}

export function ok(name: string, found: string): Check {
  return { name, state: 'ok', found };
}

export function warning(name: string, found: string, remedy: string): Check {
  return { name, state: 'warning', found, remedy };
}

export function wrong(name: string, found: string, remedy: string): Check {
  return { name, state: 'wrong', found, remedy };
}

export function unknown(name: string, found: string): Check {
  return { name, state: 'unknown', found };
}

/** The reason of a failure in a few words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message !== '' ? error.message : (code ?? error.name);
}
