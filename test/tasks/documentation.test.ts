import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import type { AnyTaskHandler } from '../../src/tasks/task-handler.ts';
import { uniqueDirectory } from '../support/servers.ts';

const text = readFileSync(new URL('../../docs/tasks.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```graphql\n(.*?)```/gs)].map((match) => match[1]!);

/** The bodies of the requests that the shell examples send. */
const bodies = [...text.matchAll(/^ask '(\{.*\})'$/gm)].map((match) => match[1]!);

/** The file that shows how a kind of one's own is made, as if it stood where it belongs. */
async function importExampleKind(): Promise<Record<string, () => AnyTaskHandler>> {
  const code = /```ts\n(import .*?)```/s.exec(text)![1]!;
  const handlers = fileURLToPath(new URL('../../src/tasks/handlers/', import.meta.url));
  const folder = uniqueDirectory('example-kind');
  mkdirSync(folder);
  const file = join(folder, 'greeting.ts');
  writeFileSync(
    file,
    code.replace(/from '(\.[^']*)'/g, (_all, path: string) => `from '${join(handlers, path)}'`),
  );
  return import(/* @vite-ignore */ file);
}

describe('the examples in docs/tasks.md', () => {
  it('make a kind of task that can be registered', async () => {
    const { createGreeting } = await importExampleKind();
    const handler = createGreeting!();
    expect(handler.kind).toBe('greeting');
    expect(handler.parsePayload('payload', { name: 'Alice' })).toEqual({ name: 'Alice' });
    expect(() => handler.parsePayload('payload', null)).toThrow('payload.name');
  });

  it.each(examples)('can be pasted and sent: %#', (example) => {
    expect(validate(schema, parse(example)).map((error) => error.message)).toEqual([]);
  });

  it('can be sent with curl', () => {
    expect(bodies).toHaveLength(4);
    for (const body of bodies) {
      const { query, variables } = JSON.parse(body) as { query: string; variables?: object };
      const document = parse(query);
      expect(validate(schema, document).map((error) => error.message)).toEqual([]);
      const [operation] = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
      const wanted = operation?.variableDefinitions?.map((one) => one.variable.name.value) ?? [];
      expect(Object.keys(variables ?? {})).toEqual(wanted);
    }
  });
});
