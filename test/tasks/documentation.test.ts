import { readFileSync } from 'node:fs';
import { Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';

const text = readFileSync(new URL('../../docs/tasks.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```graphql\n(.*?)```/gs)].map((match) => match[1]!);

/** The bodies of the requests that the shell examples send. */
const bodies = [...text.matchAll(/^ask '(\{.*\})'$/gm)].map((match) => match[1]!);

describe('the examples in docs/tasks.md', () => {
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
