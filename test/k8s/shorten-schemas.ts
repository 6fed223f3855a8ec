import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ShortSchema, ShortSchemas } from './check-schema.ts';

/**
 * Reads the schemas of the kinds that `k8s/` uses from the API server that kubectl talks to, without the prose, into
 * `schemas.json`. The server must have KEDA's and the Prometheus operator's and the Gateway API's resource definitions.
 *
 *   node test/k8s/shorten-schemas.ts [arguments for kubectl]
 */

const groups: Readonly<Record<string, readonly string[]>> = {
  'api/v1': ['Namespace', 'ServiceAccount', 'ConfigMap', 'Secret', 'Service', 'PersistentVolumeClaim'],
  'apis/apps/v1': ['Deployment', 'StatefulSet'],
  'apis/batch/v1': ['Job'],
  'apis/policy/v1': ['PodDisruptionBudget'],
  'apis/autoscaling/v2': ['HorizontalPodAutoscaler'],
  'apis/networking.k8s.io/v1': ['NetworkPolicy', 'Ingress'],
  'apis/keda.sh/v1alpha1': ['ScaledObject'],
  'apis/monitoring.coreos.com/v1': ['PodMonitor', 'PrometheusRule'],
  'apis/gateway.networking.k8s.io/v1': ['HTTPRoute'],
};
const prefix = '#/components/schemas/';

interface OpenApiSchema {
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiSchema[];
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly items?: OpenApiSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly (string | number)[];
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly kind: string }[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

const definitions: Record<string, ShortSchema> = {};
const kinds: Record<string, string> = {};

function shorten(schema: OpenApiSchema, all: Readonly<Record<string, OpenApiSchema>>): ShortSchema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference !== undefined) {
    const name = reference.slice(prefix.length);
    if (!(name in definitions)) {
      definitions[name] = {};
      definitions[name] = shorten(all[name]!, all);
    }
    return { ref: name };
  }
  if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string')
    return { type: 'int-or-string' };
  const { type, enum: values, required, properties, additionalProperties, items } = schema;
  return {
    ...(type === undefined ? {} : { type }),
    ...(values === undefined ? {} : { enum: values }),
    ...(required === undefined ? {} : { required }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties)
              .filter(([name]) => name !== 'status' && name !== 'managedFields')
              .map(([name, property]) => [name, shorten(property, all)]),
          ),
        }),
    ...(typeof additionalProperties === 'object' ? { values: shorten(additionalProperties, all) } : {}),
    ...(items === undefined ? {} : { items: shorten(items, all) }),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? { open: true } : {}),
  };
}

function ask(path: string): unknown {
  const options = { maxBuffer: 100_000_000 };
  return JSON.parse(execFileSync('kubectl', [...process.argv.slice(2), 'get', '--raw', path], options).toString());
}

for (const [group, wanted] of Object.entries(groups)) {
  const { components } = ask(`/openapi/v3/${group}`) as {
    readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> };
  };
  for (const [name, schema] of Object.entries(components.schemas)) {
    const kind = schema['x-kubernetes-group-version-kind']?.[0]?.kind;
    if (kind === undefined || !wanted.includes(kind)) continue;
    definitions[name] = shorten(schema, components.schemas);
    kinds[`${group.replace(/^apis?\//, '')}/${kind}`] = name;
  }
}
const { gitVersion } = ask('/version') as { readonly gitVersion: string };
const schemas: ShortSchemas = { kubernetes: gitVersion, kinds, definitions };
writeFileSync(fileURLToPath(new URL('schemas.json', import.meta.url)), `${JSON.stringify(schemas)}\n`);
