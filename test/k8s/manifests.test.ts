import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { readTopology } from '../../src/jetstream/topology.ts';
import type { KubernetesObject } from './check-schema.ts';
import { checkSchema } from './check-schema.ts';
import type { Overlay } from './manifests.ts';
import {
  hasKubectl,
  listWorkloads,
  nameOf,
  ofKind,
  overlays,
  readAllFiles,
  readData,
  render,
  selects,
} from './manifests.ts';

/** The names that the configuration is read by. */
function listSettings(): ReadonlySet<string> {
  const asked = new Set<string>();
  const environment = new Proxy<Record<string, string>>(
    {
      DATABASE_URLS: 'postgres://db/caseload',
      NATS_URL: 'nats://nats:4222',
      AUTH_SECRET: 'x'.repeat(32),
      BLOB_URL: 's3:https://s3.example.com/documents',
    },
    {
      get(target, name: string) {
        asked.add(name);
        return target[name];
      },
    },
  );
  try {
    readConfig(environment);
  } catch {
    // The keys of the bucket are missing, which is said after everything has been read.
  }
  return asked;
}

const files = readAllFiles();

describe('the files of k8s/', () => {
  it('lead from outside to a service and its port', () => {
    const services = new Map(ofKind(files, 'Service').map(({ metadata, spec }) => [metadata.name, spec.ports]));
    const backends = [...ofKind(files, 'Ingress'), ...ofKind(files, 'HTTPRoute')].flatMap(({ spec }) =>
      spec.rules.flatMap((rule: { http?: { paths: { backend: { service: object } }[] }; backendRefs?: object[] }) =>
        rule.http === undefined ? rule.backendRefs : rule.http.paths.map(({ backend }) => backend.service),
      ),
    ) as readonly { readonly name: string; readonly port: number | { readonly name: string } }[];
    expect(backends).toHaveLength(2);
    for (const { name, port } of backends)
      expect(services.get(name)).toContainEqual(
        expect.objectContaining(typeof port === 'number' ? { port } : { name: port.name }),
      );
  });

  it('are what an API server takes', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(files.flatMap(checkSchema)).toEqual([]);
  });

  it('a field that does not exist, a wrong type and a missing field are found', () => {
    const deployment = structuredClone(files.find(({ kind }) => kind === 'Deployment')!);
    deployment.spec.template.spec.containers[0].securityContext.readOnlyRootFileSystem = true;
    deployment.spec.minReadySeconds = '3';
    delete deployment.spec.selector;
    expect(checkSchema(deployment)).toEqual([
      expect.stringMatching(/spec\.selector is missing/),
      expect.stringMatching(/spec\.minReadySeconds must be of type integer/),
      expect.stringMatching(/readOnlyRootFileSystem is no field/),
    ]);
    const scaled = structuredClone(files.find(({ kind }) => kind === 'ScaledObject')!);
    scaled.spec.triggers[0].metadata.lagThreshold = 20;
    expect(checkSchema(scaled)).toEqual([expect.stringMatching(/lagThreshold must be of type string/)]);
  });
});

describe.skipIf(!hasKubectl).each(overlays)('%s', (overlay) => {
  const objects = hasKubectl ? render(overlay) : [];
  const workloads = listWorkloads(objects);
  const programs = workloads.filter(({ pod }) => pod.containers[0].image.startsWith('caseload:'));

  it('is what an API server takes', () => {
    expect(objects.flatMap(checkSchema)).toEqual([]);
    expect(objects.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'caseload')).toEqual(
      [],
    );
    const names = objects.map(nameOf);
    expect(new Set(names).size).toBe(names.length);
  });

  it('runs the programs and prepares what they need', () => {
    expect(programs.map(({ labels }) => labels['app.kubernetes.io/name']).sort()).toEqual([
      'gateway',
      'migrate',
      'provision',
      'scheduler',
      'worker',
    ]);
    const kinds = objects.map(({ kind }) => kind);
    expect(kinds.includes('ScaledObject')).toBe(overlay === 'k8s' || overlay === 'k8s/overlays/production');
    expect(kinds.includes('StatefulSet')).toBe(overlay !== 'k8s/overlays/production');
    expect(kinds.includes('HorizontalPodAutoscaler')).toBe(overlay !== 'k8s/overlays/demo');
  });

  it('lets pods do no more than the restricted level allows, and less', () => {
    const level = ofKind(objects, 'Namespace')[0]!.metadata.labels!['pod-security.kubernetes.io/enforce'];
    expect(level).toBe('restricted');
    for (const { object, pod } of workloads) {
      expect(pod, nameOf(object)).toMatchObject({
        automountServiceAccountToken: false,
        serviceAccountName: 'caseload',
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(pod.securityContext.runAsUser, nameOf(object)).toBeGreaterThan(0);
      expect([pod.hostNetwork, pod.hostPID, pod.hostIPC], nameOf(object)).toEqual([undefined, undefined, undefined]);
      for (const container of [...pod.containers, ...(pod.initContainers ?? [])])
        expect(container.securityContext, nameOf(object)).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      for (const volume of pod.volumes ?? []) expect(Object.keys(volume)).not.toContain('hostPath');
    }
  });

  it('bounds what every container takes, and leaves room beside the heap of Node', () => {
    for (const { object, pod } of workloads)
      for (const { resources, env = [] } of pod.containers) {
        for (const amount of ['cpu', 'memory']) {
          expect(resources.requests[amount], nameOf(object)).toBeDefined();
          expect(resources.limits[amount], nameOf(object)).toBeDefined();
        }
        const options = env.find(({ name }: { name: string }) => name === 'NODE_OPTIONS')?.value as string | undefined;
        if (options === undefined) continue;
        const heapMegabytes = Number(/--max-old-space-size=(\d+)/.exec(options)![1]);
        expect(heapMegabytes).toBeLessThanOrEqual(Number(resources.limits.memory.replace('Mi', '')) * 0.8);
      }
  });

  it('asks what runs on whether it lives and is ready, without a shell', () => {
    for (const { object, pod } of workloads.filter(({ object: { kind } }) => kind !== 'Job'))
      for (const container of pod.containers) {
        for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
          expect(container[probe], `${probe} of ${nameOf(object)}`).toBeDefined();
        expect(JSON.stringify(container)).not.toMatch(/"(\/bin\/)?(ba)?sh"/);
        const ports = (container.ports as { name: string }[]).map(({ name }) => name);
        for (const { httpGet, tcpSocket } of [
          container.startupProbe,
          container.livenessProbe,
          container.readinessProbe,
        ])
          if (httpGet ?? tcpSocket) expect(ports).toContain((httpGet ?? tcpSocket).port);
      }
    for (const { pod } of programs.filter(({ object: { kind } }) => kind === 'Deployment')) {
      const [container] = pod.containers;
      // Alive asks for nothing else: a database that is down must not restart everything.
      expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
      expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
    }
  });

  it('gives each stop more time than the program takes for it', () => {
    for (const { labels, pod, object } of programs.filter(({ object: { kind } }) => kind === 'Deployment')) {
      const before = pod.containers[0].lifecycle?.preStop.sleep.seconds ?? 0;
      // src/gateway.ts and src/worker.ts: 20 s, and 5 s for giving back.
      expect(pod.terminationGracePeriodSeconds, nameOf(object)).toBeGreaterThanOrEqual(
        labels['app.kubernetes.io/name'] === 'scheduler' ? 20 : before + 25,
      );
      expect(object.spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
    }
  });

  it('spreads each program, and lets one of each go at a time', () => {
    for (const { object, labels, pod } of workloads.filter(({ object: { kind } }) => kind !== 'Job')) {
      const keys = pod.topologySpreadConstraints.map(({ topologyKey }: { topologyKey: string }) => topologyKey);
      expect(keys, nameOf(object)).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
      for (const { labelSelector } of pod.topologySpreadConstraints) expect(selects(labelSelector, labels)).toBe(true);
      const budgets = ofKind(objects, 'PodDisruptionBudget').filter(({ spec }) => selects(spec.selector, labels));
      expect(
        budgets.map(({ spec }) => spec.maxUnavailable),
        nameOf(object),
      ).toEqual([1]);
    }
  });

  it('has selectors that find what they look for', () => {
    for (const { object, labels } of workloads.filter(({ object: { kind } }) => kind !== 'Job'))
      expect(selects(object.spec.selector, labels), nameOf(object)).toBe(true);
    for (const service of ofKind(objects, 'Service')) {
      const found = workloads.filter(({ labels }) => selects({ matchLabels: service.spec.selector }, labels));
      expect(found, nameOf(service)).toHaveLength(1);
      const ports = found[0]!.pod.containers[0].ports.map(({ name }: { name: string }) => name);
      for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort);
    }
    for (const set of ofKind(objects, 'StatefulSet'))
      expect(ofKind(objects, 'Service').map(({ metadata }) => metadata.name)).toContain(set.spec.serviceName);
    for (const policy of ofKind(objects, 'NetworkPolicy'))
      expect(
        workloads.filter(({ labels }) => selects(policy.spec.podSelector, labels)),
        nameOf(policy),
      ).not.toEqual([]);
    for (const { spec } of [...ofKind(objects, 'ScaledObject'), ...ofKind(objects, 'HorizontalPodAutoscaler')]) {
      const target = ofKind(objects, 'Deployment').find(({ metadata }) => metadata.name === spec.scaleTargetRef.name);
      // Two that set the same number would fight.
      expect(target!.spec.replicas).toBeUndefined();
    }
  });

  it('refers to ConfigMaps, Secrets and volumes that exist, and sets nothing that nobody reads', () => {
    const maps = new Map(ofKind(objects, 'ConfigMap').map((map) => [map.metadata.name, map]));
    const secrets = new Set(ofKind(objects, 'Secret').map(({ metadata }) => metadata.name));
    const claims = new Set(ofKind(objects, 'PersistentVolumeClaim').map(({ metadata }) => metadata.name));
    // In production these two are made by hand, before.
    const given = overlay === 'k8s/overlays/production' ? ['caseload', 'caseload-nats'] : [];
    for (const { object, pod } of workloads)
      for (const volume of pod.volumes ?? []) {
        if (volume.configMap) expect(maps.has(volume.configMap.name), nameOf(object)).toBe(true);
        if (volume.secret) expect([...secrets, ...given], nameOf(object)).toContain(volume.secret.secretName);
        if (volume.persistentVolumeClaim) expect(claims).toContain(volume.persistentVolumeClaim.claimName);
        for (const { key } of volume.configMap?.items ?? [])
          expect(maps.get(volume.configMap.name)!.data).toHaveProperty([key]);
      }
    const settings = listSettings();
    for (const { pod } of programs) {
      const [{ configMapRef }, { secretRef }] = pod.containers[0].envFrom;
      for (const key of Object.keys(maps.get(configMapRef.name)!.data)) expect(settings).toContain(key);
      if (given.length === 0) {
        const secret = objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secretRef.name)!;
        for (const key of Object.keys(secret.data)) expect(settings).toContain(key);
      } else expect(secretRef.name).toBe('caseload');
    }
  });

  it('gives programs a configuration that they start with', () => {
    const map = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name.startsWith('caseload-'))!;
    const secret = ofKind(objects, 'Secret').find(({ metadata }) => metadata.name.startsWith('caseload-'));
    const secrets = Object.fromEntries(
      Object.entries((secret?.data ?? productionSecret) as Record<string, string>).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString(),
      ]),
    );
    const config = readConfig({ ...map.data, ...secrets });
    expect(config).toMatchObject({ mode: 'production', host: '0.0.0.0', port: 4000, healthPort: 9090 });
    expect(config.databaseUrls).toHaveLength(shardsOf(overlay));
    const sets = ofKind(objects, 'StatefulSet');
    const postgres = sets.find(({ metadata }) => metadata.name === 'postgres');
    if (postgres !== undefined) expect(postgres.spec.replicas).toBe(config.databaseUrls.length);
    const nats = sets.find(({ metadata }) => metadata.name === 'nats');
    if (nats !== undefined) expect(config.natsUrl.split(',')).toHaveLength(nats.spec.replicas);
    if (nats !== undefined) expect(config.streamReplicas).toBe(nats.spec.replicas);
  });

  it('asks the databases of the demonstration for no more connections than they give', () => {
    const postgres = ofKind(objects, 'StatefulSet').find(({ metadata }) => metadata.name === 'postgres');
    if (postgres === undefined) return; // they lie outside
    const setting = (postgres.spec.template.spec.containers[0].args as readonly string[]).find((argument) =>
      argument.startsWith('max_connections='),
    );
    const map = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name.startsWith('caseload-'))!;
    const pool = Number(map.data.POOL_CONNECTIONS);
    const mostOf = (name: string): number => {
      const scalers = [...ofKind(objects, 'ScaledObject'), ...ofKind(objects, 'HorizontalPodAutoscaler')];
      const scaler = scalers.find(({ spec }) => spec.scaleTargetRef.name === name);
      const deployment = ofKind(objects, 'Deployment').find(({ metadata }) => metadata.name === name)!;
      const most = scaler?.spec.maxReplicaCount ?? scaler?.spec.maxReplicas ?? deployment.spec.replicas;
      return most + deployment.spec.strategy.rollingUpdate.maxSurge;
    };
    const programs = mostOf('gateway') + mostOf('worker') + mostOf('scheduler');
    // Beside the pools: locks of the schedulers, and what PostgreSQL keeps for itself and for people.
    expect(programs * pool + 2 * mostOf('scheduler') + 6).toBeLessThanOrEqual(Number(setting?.split('=')[1]));
  });

  it('brings every file of jetstream/ to the programs', () => {
    const map = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name.startsWith('jetstream-'))!;
    for (const { pod, object } of programs) {
      const volume = pod.volumes.find(({ name }: { name: string }) => name === 'jetstream');
      const paths = volume.configMap.items.map(({ path }: { path: string }) => path).sort();
      expect(paths, nameOf(object)).toEqual(listStreamFiles());
      for (const { key, path } of volume.configMap.items)
        expect(JSON.parse(map.data[key])).toEqual(readData(`jetstream/${path}`));
      const mount = pod.containers[0].volumeMounts.find(({ name }: { name: string }) => name === 'jetstream');
      expect(mount).toEqual({ name: 'jetstream', mountPath: '/app/jetstream', readOnly: true });
    }
  });

  it('has network policies whose every name and port leads to a pod', () => {
    const here = new Set(workloads.map(({ labels }) => labels['app.kubernetes.io/name']));
    const portsOf = (selector: object): ReadonlySet<string> =>
      new Set(
        workloads
          .filter(({ labels }) => selects(selector, labels))
          .flatMap(({ pod }) => pod.containers[0].ports ?? [])
          .map(({ name }: { name: string }) => name),
      );
    for (const policy of ofKind(objects, 'NetworkPolicy')) {
      const { podSelector, ingress = [], egress = [] } = policy.spec;
      for (const name of JSON.stringify(policy.spec).matchAll(
        /"key":"app.kubernetes.io\/name"[^}]*"values":\[([^\]]*)\]/g,
      ))
        for (const value of JSON.parse(`[${name[1]}]`)) expect(here, nameOf(policy)).toContain(value);
      for (const { from = [], ports = [] } of ingress) {
        for (const peer of from) if (peer.podSelector) expectPods(peer.podSelector, policy);
        for (const { port } of ports)
          if (typeof port === 'string') expect(portsOf(podSelector), nameOf(policy)).toContain(port);
      }
      for (const { to = [], ports = [] } of egress)
        for (const peer of to.filter((one: { podSelector?: object }) => one.podSelector !== undefined)) {
          expectPods(peer.podSelector, policy);
          for (const { port } of ports) expect(portsOf(peer.podSelector), nameOf(policy)).toContain(port);
        }
    }
    function expectPods(selector: object, policy: KubernetesObject): void {
      expect(
        workloads.some(({ labels }) => selects(selector, labels)),
        nameOf(policy),
      ).toBe(true);
    }
  });

  it('lets every program reach its servers, and them be reached', () => {
    const mayPass = (from: string, to: string, port: string): boolean => {
      const labelsOf = (name: string) =>
        workloads.find(({ labels }) => labels['app.kubernetes.io/name'] === name)!.labels;
      const passes = (
        rules: readonly { ports?: { port: unknown }[] }[],
        peers: 'from' | 'to',
        other: string,
      ): boolean =>
        // biome-ignore lint/suspicious/noExplicitAny: as in KubernetesObject
        rules.some((rule: any) => {
          if (!(rule.ports ?? []).some((one: { port: unknown }) => one.port === port)) return false;
          return rule[peers].some((peer: { podSelector?: object }) => selects(peer.podSelector ?? {}, labelsOf(other)));
        });
      const policies = ofKind(objects, 'NetworkPolicy');
      const of = (name: string) => policies.filter(({ spec }) => selects(spec.podSelector, labelsOf(name)));
      return (
        of(from).some(({ spec }) => passes(spec.egress ?? [], 'to', to)) &&
        of(to).some(({ spec }) => passes(spec.ingress ?? [], 'from', from))
      );
    };
    if (overlay === 'k8s/overlays/production') return; // its servers lie outside
    for (const program of ['gateway', 'worker', 'scheduler'])
      expect([program, mayPass(program, 'postgres', 'postgres'), mayPass(program, 'nats', 'client')]).toEqual([
        program,
        true,
        true,
      ]);
    expect(mayPass('migrate', 'postgres', 'postgres')).toBe(true);
    expect(mayPass('provision', 'nats', 'client')).toBe(true);
    expect(mayPass('nats', 'nats', 'cluster')).toBe(true);
    expect(mayPass('gateway', 'nats', 'monitor')).toBe(false);
  });

  it('opens nothing that is not needed', () => {
    const policies = ofKind(objects, 'NetworkPolicy');
    expect(policies.find(({ metadata }) => metadata.name === 'nothing')!.spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
    const monitor = policies.flatMap(({ spec }) =>
      (spec.ingress ?? []).filter((rule: { ports?: { port: unknown }[] }) =>
        rule.ports?.some(({ port }) => port === 'monitor' || port === 'health'),
      ),
    );
    for (const { from } of monitor)
      for (const { namespaceSelector } of from) expect(JSON.stringify(namespaceSelector)).toMatch(/keda|monitoring/);
    for (const { spec } of ofKind(objects, 'Service')) expect(spec.type ?? 'ClusterIP').toBe('ClusterIP');
  });

  it('names each version’s jobs after it, and each image by its digest or version', () => {
    for (const { pod } of workloads)
      for (const { image } of pod.containers) {
        expect(image).not.toMatch(/:latest$/);
        if (!image.startsWith('caseload:')) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
      }
    const { version } = readData<{ version: string }>('package.json');
    expect(
      ofKind(objects, 'Job')
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual([`migrate-${version}`, `provision-${version}`]);
  });

  it('has no secret that people could take for one of theirs', () => {
    const secrets = ofKind(objects, 'Secret');
    if (overlay === 'k8s/overlays/production') expect(secrets).toEqual([]);
    for (const { data } of secrets)
      for (const value of Object.values(data as Record<string, string>))
        expect(Buffer.from(value, 'base64').toString()).toContain('demonstration-only');
  });
});

/** What the README asks for, beside the ConfigMap. */
const productionSecret = Object.fromEntries(
  Object.entries({
    DATABASE_URLS: 'postgres://caseload@pg-0.example.com/caseload',
    URL_SECRET: 'x'.repeat(32),
    S3_ACCESS_KEY_ID: 'key',
    S3_SECRET_ACCESS_KEY: 'secret',
  }).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
);

function shardsOf(overlay: Overlay): number {
  return overlay === 'k8s' || overlay === 'k8s/overlays/no-keda' ? 2 : 1;
}

function listStreamFiles(): readonly string[] {
  const { streams, consumers } = readTopology();
  const files = [...streams.map(({ name }) => name), ...consumers.map(({ stream }) => `consumers/${stream}`)];
  return files.map((file) => `${file}.json`).sort();
}
