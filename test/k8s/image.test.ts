import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { readData } from './manifests.ts';

const project = new URL('../../', import.meta.url);

function read(file: string): string {
  return readFileSync(new URL(file, project), 'utf8');
}

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

it('the image is built on a pinned base and runs as nobody in particular', () => {
  const lines = read('Dockerfile').split('\n');
  expect(lines.find((line) => line.startsWith('ARG NODE='))).toMatch(/^ARG NODE=node:24-\S+@sha256:[0-9a-f]{64}$/);
  const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]);
  expect(new Set(bases)).toEqual(new Set(['$'.concat('{NODE}')]));
  expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER 1000:1000']);
  expect(lines).toContain('ENTRYPOINT ["node"]');
  expect(read('Dockerfile')).toContain(`ARG VERSION=${readData<{ version: string }>('package.json').version}\n`);
});

it('the image takes only what exists and is let through', () => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const taken = read('Dockerfile')
    .split('\n')
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1));
  expect(taken.length).toBeGreaterThan(5);
  for (const file of taken) {
    expect(allowed).toContain(file);
    expect(existsSync(new URL(file, project)), file).toBe(true);
  }
});

it('compose.yaml runs every program of the image, on the servers of k8s/', () => {
  const { services } = parse(read('compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
  };
  const { version } = readData<{ version: string }>('package.json');
  const programs = ['gateway', 'worker', 'scheduler', 'migrate', 'provision'].map((name) => services[name]!);
  for (const { image, read_only, cap_drop } of programs)
    expect([image, read_only, cap_drop]).toEqual([`caseload:${version}`, true, ['ALL']]);
  expect(programs.map(({ command }) => command?.join(' '))).toEqual([
    undefined,
    'src/worker.ts',
    'src/scheduler.ts',
    'src/cli.ts migrate',
    'src/cli.ts provision',
  ]);
  const { images } = readData<{
    readonly images: readonly { readonly name: string; readonly newTag: string; readonly digest?: string }[];
  }>('k8s/kustomization.yaml');
  const address = (name: string): string => {
    const { newTag, digest } = images.find((image) => image.name === name)!;
    return `${name}:${newTag}@${digest}`;
  };
  expect(services.nats!.image).toBe(address('nats'));
  expect(services['postgres-0']!.image).toBe(address('postgres'));
});
