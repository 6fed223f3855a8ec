import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { badInput, Fault, unavailable } from '../../src/domain/errors.ts';
import type { WireError } from '../../src/graphql/fault-format.ts';
import { readRetryAfterSeconds, readStatus, toWireError } from '../../src/graphql/fault-format.ts';

interface Line {
  readonly level: number;
  readonly err?: { readonly message: string; readonly stack: string };
}

function format(error: unknown): { readonly wire: WireError; readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { wire: toWireError(error, { requestId: 'request-1', log }), lines };
}

const error = 50;
const internal = { message: 'Internal error', extensions: { code: 'INTERNAL', requestId: 'request-1' } };

describe('what a client sees', () => {
  test('of a fault is its text, code and field', () => {
    expect(format(badInput('input.name', 'must not be empty')).wire).toEqual({
      message: 'input.name: must not be empty',
      extensions: { code: 'BAD_USER_INPUT', field: 'input.name' },
    });
  });

  test('of a fault that GraphQL has wrapped twice is the same, with its path', () => {
    const inner = new GraphQLError('x', { originalError: unavailable(2_000) });
    const { wire } = format(new GraphQLError('y', { originalError: inner, path: ['a', 0] }));
    expect(wire).toMatchObject({ path: ['a', 0], extensions: { code: 'UNAVAILABLE', retryAfterMs: 2_000 } });
  });

  test('of a fault that may be retried always has a time', () => {
    expect(format(new Fault('RATE_LIMITED', 'Too many')).wire.extensions.retryAfterMs).toBeGreaterThan(0);
  });

  test.each<readonly [string, unknown]>([
    ['an error', new Error('hunter2')],
    [
      'an error with a code',
      Object.assign(new Error('hunter2'), { code: 'FORBIDDEN', extensions: { code: 'FORBIDDEN' } }),
    ],
    ['an internal fault', new Fault('INTERNAL', 'hunter2')],
    ['an error of the executor', new GraphQLError('Cannot return null for non-nullable field hunter2')],
    ['an error with a code of its own', new GraphQLError('hunter2', { extensions: { code: 'HUNTER2' } })],
    [
      'an error that calls itself internal',
      new GraphQLError('hunter2', { extensions: { code: 'INTERNAL', a: 'hunter2' } }),
    ],
    ['text', 'hunter2'],
    ['nothing', undefined],
  ])('of %s is a request id, and the rest is logged', (_name, thrown) => {
    const { wire, lines } = format(thrown);
    expect(wire).toEqual(internal);
    expect(lines.map((line) => line.level)).toEqual([error]);
  });

  test('of a GraphQL error with a known code is its text, and nothing else that it carries', () => {
    const { wire } = format(
      new GraphQLError('too deep', { extensions: { code: 'QUERY_TOO_COMPLEX', secret: 'hunter2' } }),
    );
    expect(wire).toEqual({ message: 'too deep', extensions: { code: 'QUERY_TOO_COMPLEX' } });
  });

  test('of an operation that was given up is no fault of ours', () => {
    const { wire, lines } = format(new DOMException('This operation was aborted', 'AbortError'));
    expect(wire.extensions.code).toBe('UNAVAILABLE');
    expect(lines.every((line) => line.level < error)).toBe(true);
  });
});

test('the stack of an unknown error is in the log', () => {
  const [line] = format(new Error('hunter2')).lines;
  expect(line?.err?.stack).toContain('fault-format.test.ts');
});

describe('the status', () => {
  const wire = (code: WireError['extensions']['code'], retryAfterMs?: number): WireError => ({
    message: '',
    extensions: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  });
  const graphql = 'application/graphql-response+json';

  test('is 200 for data, with errors or without', () => {
    expect(readStatus({ data: {} }, graphql)).toBe(200);
    expect(readStatus({ data: {}, errors: [wire('INTERNAL')] }, graphql)).toBe(200);
  });

  test('is that of the code when nothing ran, whatever the media type', () => {
    for (const type of ['application/json', graphql] as const) {
      expect(readStatus({ errors: [wire('QUERY_TOO_COMPLEX')] }, type)).toBe(400);
      expect(readStatus({ errors: [wire('PAYLOAD_TOO_LARGE')] }, type)).toBe(413);
      expect(readStatus({ errors: [wire('NOT_FOUND')] }, type)).toBe(400);
    }
  });

  test('is the one that all errors share when all data is lost, else 200', () => {
    expect(readStatus({ data: null, errors: [wire('FORBIDDEN'), wire('FORBIDDEN')] }, graphql)).toBe(403);
    expect(readStatus({ data: null, errors: [wire('FORBIDDEN'), wire('INTERNAL')] }, graphql)).toBe(200);
    expect(readStatus({ data: null, errors: [wire('NOT_FOUND')] }, graphql)).toBe(200);
    expect(readStatus({ data: null, errors: [wire('FORBIDDEN')] }, 'application/json')).toBe(200);
  });

  test('goes with the longest wait, rounded up to seconds', () => {
    expect(readRetryAfterSeconds({ errors: [wire('UNAVAILABLE', 1_200), wire('BACKPRESSURE', 250)] })).toBe(2);
    expect(readRetryAfterSeconds({ errors: [wire('FORBIDDEN')] })).toBeUndefined();
  });
});
