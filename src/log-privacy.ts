/** Causes of causes that are shown. */
const depthMax = 5;
const stackCharactersMax = 4_000;

/** What of an error is about the program. The rest, such as the row that a database refused, is about people. */
const shown = [
  'code',
  'errno',
  'syscall',
  'address',
  'port',
  'severity',
  'constraint',
  'schema',
  'table',
  'column',
  'dataType',
  'routine',
  'status',
  'responseCode',
] as const;

/** An error as the log has it. */
export function serializeError(error: unknown): unknown {
  return error instanceof Error ? describe(error, 0) : { type: typeof error };
}

function describe(error: Error, depth: number): object {
  const message = messageOf(error);
  const described: Record<string, unknown> = { type: error.name, message };
  for (const field of shown) {
    const value = (error as unknown as Record<string, unknown>)[field];
    if (typeof value === 'string' || typeof value === 'number') described[field] = value;
  }
  described.stack = stackOf(error, message);
  if (depth < depthMax) {
    if (error.cause instanceof Error) described.cause = describe(error.cause, depth + 1);
    if (error instanceof AggregateError)
      described.errors = error.errors
        .filter((one) => one instanceof Error)
        .slice(0, depthMax)
        .map((one) => describe(one, depth + 1));
  }
  return described;
}

/**
 * A database names the values that it could not take (SQLSTATE class 22), and the object-relational mapper puts the
 * whole statement with its values in front of the message.
 */
function messageOf(error: Error): string {
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown };
  if (typeof severity !== 'string' || typeof code !== 'string') return error.message;
  if (code.startsWith('22')) return `the database refused a value (${code})`;
  return error.message.slice(error.message.lastIndexOf(' - ') + 1).replace(/^- /, '');
}

/** The frames alone: in front of them a stack has the message as it was. */
function stackOf({ name, stack = '' }: Error, message: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return [`${name}: ${message}`, ...frames].join('\n').slice(0, stackCharactersMax);
}

/** E-mail addresses come in the answers of mail servers, and passwords before the `@` of URLs. */
const addressPattern = /[^\s"'<>()\\,;:/]+(?::[^\s"'<>()\\,;/]*)?@[^\s"'<>()\\,;]+/g;

/** A line of the log without e-mail addresses, and without names and passwords in URLs. */
export function withoutAddresses(line: string): string {
  return line.includes('@') ? line.replace(addressPattern, '[address]') : line;
}
