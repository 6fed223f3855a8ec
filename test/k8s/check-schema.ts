import { readFileSync } from 'node:fs';

/** A schema with what matters to a manifest: names, types, what is required. */
export interface ShortSchema {
  readonly ref?: string;
  readonly type?: string;
  readonly enum?: readonly (string | number)[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, ShortSchema>>;
  /** Of an object whose keys are free. */
  readonly values?: ShortSchema;
  readonly items?: ShortSchema;
  /** Fields beyond those named are kept. */
  readonly open?: boolean;
}

export interface ShortSchemas {
  /** The version of the API server that they were read from. */
  readonly kubernetes: string;
  /** `apps/v1/Deployment`: the name of its definition. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, ShortSchema>>;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  // Manifests are looked at in every place; their types are what the schemas say.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly [field: string]: any;
}

const schemas = JSON.parse(readFileSync(new URL('schemas.json', import.meta.url), 'utf8')) as ShortSchemas;

/** @returns what an API server would not take, a line for each; nothing when all is well */
export function checkSchema(object: KubernetesObject): readonly string[] {
  const definition = schemas.kinds[`${object.apiVersion}/${object.kind}`];
  if (definition === undefined) return [`${object.apiVersion} ${object.kind} is no kind that is known here`];
  return check(object, { ref: definition }, `${object.kind} ${object.metadata.name}`);
}

function check(value: unknown, schema: ShortSchema, path: string): readonly string[] {
  if (schema.ref !== undefined) return check(value, schemas.definitions[schema.ref]!, path);
  if (!hasType(value, schema.type)) return [`${path} must be of type ${schema.type}, not ${JSON.stringify(value)}`];
  if (schema.enum !== undefined && !schema.enum.includes(value as string))
    return [`${path} must be one of ${schema.enum.join(', ')}, not ${JSON.stringify(value)}`];
  if (Array.isArray(value)) return value.flatMap((item, index) => check(item, schema.items ?? {}, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return checkFields(value as Readonly<Record<string, unknown>>, schema, path);
}

function checkFields(value: Readonly<Record<string, unknown>>, schema: ShortSchema, path: string): readonly string[] {
  const missing = (schema.required ?? [])
    .filter((name) => value[name] === undefined)
    .map((name) => `${path}.${name} is missing`);
  const free = schema.open === true || (schema.properties === undefined && schema.values === undefined);
  const faults = Object.entries(value).flatMap(([name, field]) => {
    const known = schema.properties?.[name] ?? schema.values;
    if (known !== undefined) return check(field, known, `${path}.${name}`);
    return free ? [] : [`${path}.${name} is no field that is known`];
  });
  return [...missing, ...faults];
}

function hasType(value: unknown, type: string | undefined): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'int-or-string':
      return Number.isInteger(value) || typeof value === 'string';
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
