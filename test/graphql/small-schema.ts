import { EventEmitter, once } from 'node:events';
import { backpressure, badInput, Fault, notFound, unavailable } from '../../src/domain/errors.ts';
import { builder, Problem } from '../../src/graphql/builder.ts';
import type { RequestContext } from '../../src/graphql/context.ts';
import { pageArguments, readPage } from '../../src/graphql/pages.ts';

/** A small schema made with the product's own builder, with a field for each thing that a test wants to happen. */

/** Tells tests what resolvers do: `waiting`, `abandoned`, `silent`, `silenced`, `flooded`. */
export const seen = new EventEmitter();
/** Lets fields go on that wait for a test: `answer`. */
export const gate = new EventEmitter();
gate.setMaxListeners(100);
export const counts = { registered: 0, flooded: 0 };

/** What must never leave the process. */
export const secretText = 'password=hunter2 at db-7.internal';

const anyone = { authScopes: { authenticated: true } } as const;

interface Thing {
  readonly id: string;
  readonly name: string;
}

const ThingRef = builder.objectRef<Thing>('Thing');
const ThingConnection = builder.connectionObject({ type: ThingRef, name: 'ThingConnection' });

ThingRef.implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    self: t.field({ type: ThingRef, resolve: (thing) => thing }),
    dear: t.field({ type: ThingRef, complexity: 2_000, resolve: (thing) => thing }),
    things: t.field({ type: ThingConnection, args: { ...pageArguments }, resolve: (_thing, args) => listThings(args) }),
  }),
});

function listThings(args: { readonly first?: number | null; readonly after?: string | null }) {
  const { first } = readPage(args);
  const edges = Array.from({ length: first }, (_, index) => ({
    cursor: String(index),
    node: { id: String(index), name: `thing ${index}` },
  }));
  return { edges, pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null } };
}

const FaultKind = builder.enumType('FaultKind', {
  values: ['ERROR', 'NOT_FOUND', 'BACKPRESSURE', 'UNAVAILABLE', 'BAD_INPUT', 'RATE_LIMITED', 'REJECTED'] as const,
});

function fail(kind: typeof FaultKind.$inferType): never {
  const cause = new Error(secretText);
  switch (kind) {
    case 'NOT_FOUND':
      throw notFound('Case');
    case 'BACKPRESSURE':
      throw backpressure(250);
    case 'UNAVAILABLE':
      throw unavailable(2_000, cause);
    case 'BAD_INPUT':
      throw badInput('input.name', 'must not be empty');
    case 'RATE_LIMITED':
      throw new Fault('RATE_LIMITED', 'Too many requests', { retryAfterMs: 1_500 });
    default:
      throw cause;
  }
}

builder.queryFields((t) => ({
  hello: t.string({ ...anyone, resolve: (_root, _args, { actor }) => `hello ${actor?.subject}` }),
  open: t.string({ authScopes: {}, skipTypeScopes: true, resolve: () => 'open to all' }),
  secret: t.string({ authScopes: { roles: ['operator', 'supervisor'] }, resolve: () => 'for operators' }),
  thing: t.field({ ...anyone, type: ThingRef, resolve: () => ({ id: '1', name: 'one' }) }),
  things: t.field({
    ...anyone,
    type: ThingConnection,
    args: { ...pageArguments },
    resolve: (_r, args) => listThings(args),
  }),
  fails: t.string({
    ...anyone,
    nullable: true,
    args: { kind: t.arg({ type: FaultKind, required: true }) },
    resolve: (_root, { kind }) => (kind === 'REJECTED' ? Promise.reject(new Error(secretText)) : fail(kind)),
  }),
  mustNotFail: t.string({
    ...anyone,
    args: { kind: t.arg({ type: FaultKind, required: true }) },
    resolve: (_root, { kind }) => fail(kind),
  }),
  badTime: t.field({ ...anyone, type: 'DateTime', resolve: () => 'never' }),
  echo: t.field({
    ...anyone,
    type: 'JSON',
    args: {
      text: t.arg.string(),
      when: t.arg({ type: 'DateTime' }),
      data: t.arg({ type: 'JSON' }),
      bytes: t.arg({ type: 'Base64' }),
      times: t.arg.int({ required: true, defaultValue: 1 }),
    },
    resolve: (_root, { text, when, data, bytes, times }) => ({
      text,
      when: when?.toISOString(),
      data,
      bytes: bytes == null ? undefined : Buffer.from(bytes).toString('hex'),
      times,
    }),
  }),
  now: t.field({ ...anyone, type: 'DateTime', resolve: () => new Date('2026-01-31T09:00:00+01:00') }),
  bytes: t.field({ ...anyone, type: 'Base64', resolve: () => Uint8Array.of(255, 0, 1) }),
}));

interface CaseRegistered {
  readonly kind: 'registered';
  readonly name: string;
  readonly priority: number;
}

const CaseRegisteredRef = builder.objectRef<CaseRegistered>('CaseRegistered').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    priority: t.exposeInt('priority'),
    registeredAt: t.field({ type: 'DateTime', resolve: () => '2026-01-01T00:00:00.000Z' }),
  }),
});

interface NameTaken {
  readonly kind: 'taken';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

const NameTakenRef = builder.objectRef<NameTaken>('NameTaken').implement({ interfaces: [Problem] });

const RegisterResult = builder.unionType('RegisterResult', {
  types: [CaseRegisteredRef, NameTakenRef],
  resolveType: ({ kind }) => (kind === 'taken' ? NameTakenRef : CaseRegisteredRef),
});

const RegisterInput = builder.inputType('RegisterInput', {
  fields: (t) => ({
    name: t.string({ required: true }),
    priority: t.int({ defaultValue: 0 }),
    tags: t.stringList(),
    details: t.field({ type: 'JSON' }),
    deliverAfter: t.field({ type: 'DateTime' }),
    payload: t.field({ type: 'Base64' }),
  }),
});

async function waitForTest({ signal }: RequestContext): Promise<string> {
  seen.emit('waiting');
  try {
    await once(gate, 'answer', { signal });
    return 'answered';
  } catch {
    seen.emit('abandoned');
    return 'abandoned';
  }
}

builder.mutationFields((t) => ({
  register: t.field({
    authScopes: { authenticated: true, roles: ['applicant', 'operator'] },
    type: RegisterResult,
    args: { input: t.arg({ type: RegisterInput, required: true }) },
    resolve: (_root, { input }) => {
      counts.registered += 1;
      if (input.name === 'taken') {
        return { kind: 'taken' as const, code: 'NAME_TAKEN', message: 'That name is taken', retryable: false };
      }
      return { kind: 'registered' as const, name: input.name, priority: input.priority ?? 0 };
    },
  }),
  wait: t.string({ ...anyone, resolve: (_root, _args, context) => waitForTest(context) }),
}));

async function* tick(until: number): AsyncGenerator<number> {
  for (let number = 1; number <= until; number++) yield number;
}

/** Waits for ever, and only its signal frees it. */
async function* staySilent({ signal }: RequestContext): AsyncGenerator<number> {
  seen.emit('silent');
  try {
    yield await once(gate, 'never', { signal }).then(() => 0);
  } finally {
    seen.emit('silenced');
  }
}

async function* flood(): AsyncGenerator<string> {
  const text = 'x'.repeat(100_000);
  for (;;) {
    counts.flooded += 1;
    seen.emit('flooded');
    yield text;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function* breakOff(): AsyncGenerator<number> {
  yield 1;
  throw new Error(secretText);
}

builder.subscriptionFields((t) => ({
  ticks: t.int({
    ...anyone,
    args: { until: t.arg.int({ required: true }) },
    subscribe: (_root, { until }) => tick(until),
    resolve: (number) => number as unknown as number,
  }),
  silent: t.int({
    ...anyone,
    subscribe: (_root, _args, context) => staySilent(context),
    resolve: (number) => number as unknown as number,
  }),
  floods: t.string({ ...anyone, subscribe: flood, resolve: (text) => text as unknown as string }),
  breaksOff: t.int({ ...anyone, subscribe: breakOff, resolve: (number) => number as unknown as number }),
  waits: t.int({
    ...anyone,
    args: { kind: t.arg({ type: FaultKind, required: true }) },
    subscribe: (_root, { kind }) => fail(kind),
    resolve: (number) => number as unknown as number,
  }),
  operated: t.int({
    authScopes: { roles: ['operator'] },
    subscribe: () => tick(1),
    resolve: (number) => number as unknown as number,
  }),
}));

export const smallSchema = builder.toSchema();
