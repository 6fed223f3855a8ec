import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import type { KubernetesObject } from './check-schema.ts';

const project = new URL('../../', import.meta.url);

/** What people apply, by its folder. */
export const overlays = ['k8s', 'k8s/overlays/demo', 'k8s/overlays/no-keda', 'k8s/overlays/production'] as const;
export type Overlay = (typeof overlays)[number];

/** Overlays are rendered by kubectl. Where there is none the files are looked at as they are, before they are put together. */
export const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('kubectl is not here: the overlays are not rendered, only their files are looked at');

/** @param folder from the project's root */
export function render(folder: string): readonly KubernetesObject[] {
  const options = { cwd: fileURLToPath(project), maxBuffer: 10_000_000 };
  return parseObjects(execFileSync('kubectl', ['kustomize', folder], options).toString());
}

/** Every object that stands in a file below k8s/, before anything is put together. */
export function readAllFiles(): readonly KubernetesObject[] {
  return readdirSync(new URL('k8s/', project), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && !file.endsWith('kustomization.yaml'))
    .flatMap((file) => parseObjects(readFileSync(new URL(`k8s/${file}`, project), 'utf8')));
}

/** A file of the project, as YAML or JSON. */
export function readData<Data>(file: string): Data {
  return parse(readFileSync(new URL(file, project), 'utf8')) as Data;
}

/** The objects of a text. A list is a patch, and none of them. */
function parseObjects(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as KubernetesObject | readonly unknown[] | null;
    })
    .filter((object): object is KubernetesObject => object !== null && !Array.isArray(object));
}

export interface Workload {
  readonly object: KubernetesObject;
  // biome-ignore lint/suspicious/noExplicitAny: as in KubernetesObject
  readonly pod: any;
  readonly labels: Readonly<Record<string, string>>;
}

/** What runs pods. */
export function listWorkloads(objects: readonly KubernetesObject[]): readonly Workload[] {
  return objects
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind))
    .map((object) => ({
      object,
      pod: object.spec.template.spec,
      labels: object.spec.template.metadata.labels as Readonly<Record<string, string>>,
    }));
}

export function ofKind(objects: readonly KubernetesObject[], kind: string): readonly KubernetesObject[] {
  return objects.filter((object) => object.kind === kind);
}

export function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.name}`;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values: string[] }[];
}

/** Whether a selector takes these labels; a bare map of labels is a selector too, as services have it. */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}
