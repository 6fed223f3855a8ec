import type { ValueNode } from 'graphql';
import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const jsonDepthMax = 20;
const prototypeKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

// RFC 3339 with seconds; the zone is part of it, because a local time names no moment.
const dateTimePattern =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

function refuse(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

function parseDateTime(value: unknown): Date {
  const parts = typeof value === 'string' ? dateTimePattern.exec(value) : null;
  if (parts === null) throw refuse('DateTime must be an ISO 8601 time with its zone, such as 2026-01-31T08:00:00Z');
  const [text, year, month, day] = parts;
  // `Date` takes 31 February for 3 March.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const date = new Date(text);
  if (
    Number(month) < 1 ||
    Number(month) > 12 ||
    Number(day) < 1 ||
    Number(day) > lastDay ||
    Number.isNaN(date.getTime())
  ) {
    throw refuse('DateTime must be a day that exists');
  }
  return date;
}

function serializeDateTime(value: unknown): string {
  const date = value instanceof Date ? value : new Date(String(value));
  return date.toISOString();
}

/** A moment. In and out as ISO 8601; any zone comes in, UTC goes out, to the millisecond. */
export const dateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A moment as ISO 8601, for instance `2026-01-31T08:00:00.000Z`. Answers are in UTC.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: serializeDateTime,
  parseValue: parseDateTime,
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : undefined),
});

function assertJson(value: unknown, depth: number): void {
  if (depth > jsonDepthMax) throw refuse(`JSON must not be nested deeper than ${jsonDepthMax}`);
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    assertText(value);
    return;
  }
  if (typeof value === 'number') {
    // 1e400 is valid JSON and becomes Infinity, which no JSON can carry on.
    if (!Number.isFinite(value)) throw refuse('JSON must have finite numbers');
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) assertJson(item, depth + 1);
    return;
  }
  if (typeof value !== 'object') throw refuse('JSON must have JSON values');
  for (const [key, item] of Object.entries(value)) {
    if (prototypeKeys.has(key)) throw refuse('JSON must not have the keys __proto__, constructor or prototype');
    assertText(key);
    assertJson(item, depth + 1);
  }
}

function assertText(text: string): void {
  // PostgreSQL's jsonb refuses both; better here, with a name, than there.
  if (text.includes('\0') || !text.isWellFormed())
    throw refuse('JSON must have well-formed text without null characters');
}

function parseJson(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('JSON must be an object');
  assertJson(value, 1);
  return value as JsonObject;
}

function literalDepth(node: ValueNode): number {
  if (node.kind === Kind.LIST) return 1 + Math.max(0, ...node.values.map(literalDepth));
  if (node.kind === Kind.OBJECT) return 1 + Math.max(0, ...node.fields.map((field) => literalDepth(field.value)));
  return 0;
}

function parseJsonLiteral(node: ValueNode, variables?: Readonly<Record<string, unknown>> | null): JsonObject {
  if (node.kind !== Kind.OBJECT) throw refuse('JSON must be an object');
  if (literalDepth(node) > jsonDepthMax) throw refuse(`JSON must not be nested deeper than ${jsonDepthMax}`);
  return parseJson(valueFromASTUntyped(node, variables));
}

/** Any JSON object, at most 20 levels deep, without keys that mean something to JavaScript's prototypes. */
export const jsonScalar = new GraphQLScalarType<JsonObject, unknown>({
  name: 'JSON',
  description: 'A JSON object, at most 20 levels deep.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: (value) => value,
  parseValue: parseJson,
  parseLiteral: parseJsonLiteral,
});

function parseBase64(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw refuse('Base64 must be a string');
  const bytes = Buffer.from(value, 'base64');
  // The decoder skips what it does not know; only the canonical form comes back the same.
  if (bytes.toString('base64') !== value) throw refuse('Base64 must have the standard alphabet and padding');
  return bytes;
}

function serializeBase64(value: unknown): string {
  if (!(value instanceof Uint8Array)) throw new TypeError('Base64 serialises bytes only');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

/** Bytes, as standard Base64 with padding. */
export const base64Scalar = new GraphQLScalarType<Uint8Array, string>({
  name: 'Base64',
  description: 'Bytes in the standard Base64 alphabet with padding.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc4648#section-4',
  serialize: serializeBase64,
  parseValue: parseBase64,
  parseLiteral: (node) => parseBase64(node.kind === Kind.STRING ? node.value : undefined),
});
