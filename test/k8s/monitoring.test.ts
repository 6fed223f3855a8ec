import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGatewayService } from '../../src/gateway.ts';
import { measureBacklog } from '../../src/scheduler/measure-backlog.ts';
import { createSchedulerServices } from '../../src/scheduler.ts';
import { createWorkerServices } from '../../src/worker.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { listWorkloads, nameOf, ofKind, readAllFiles, readData, selects } from './manifests.ts';

/** Alerts and panels ask for what the programs really say. */

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const { spec } = readData<{ readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] } }>(
  'k8s/components/monitoring/alerts.yaml',
);
const rules = spec.groups.flatMap((group) => group.rules);
const { panels } = readData<{ readonly panels: readonly Panel[] }>('k8s/components/monitoring/dashboard.json');
const queries = panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => ({ name: panel.title, expr })));
const expressions = [...rules.map(({ alert, expr }) => ({ name: alert, expr })), ...queries];

/** What clients can ask for. */
const fields = [
  ...readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8').matchAll(/^ {2}(\w+)[(:]/gm),
].map((match) => match[1]!);

let engine: TestEngine;
/** The labels of each metric, and of its parts as Prometheus shows them. */
const labelsOf = new Map<string, ReadonlySet<string>>();

beforeAll(async () => {
  engine = await startEngine();
  const { foundation } = engine;
  createGatewayService(foundation, () => undefined);
  createSchedulerServices(foundation);
  createWorkerServices(foundation);
  foundation.metrics.setBacklog(0, await measureBacklog(foundation.shard));
  for (const metric of foundation.metrics.registry.getMetricsAsArray()) {
    const own = (metric as unknown as { readonly labelNames: readonly string[] }).labelNames;
    const labels = new Set([...own, 'instance', 'program']);
    labelsOf.set(metric.name, labels);
    if (String(metric.type) === 'histogram')
      for (const part of ['bucket', 'sum', 'count'])
        labelsOf.set(`${metric.name}_${part}`, part === 'bucket' ? new Set([...labels, 'le']) : labels);
  }
});
afterAll(() => engine.stop());

describe('alerts and dashboard', () => {
  it('ask for metrics that exist, by labels that exist', () => {
    expect(expressions.length).toBeGreaterThan(40);
    for (const { name, expr } of expressions) {
      const asked = expr.match(/caseload_\w+/g) ?? [];
      expect(asked, name).not.toEqual([]);
      for (const metric of asked) expect([...labelsOf.keys()], name).toContain(metric);
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap((match) =>
        match[1]!.split(',').map((label) => label.trim()),
      );
      const matched = [...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map((match) => match[1]!);
      // Of each metric in it, because Prometheus takes a label that is none for an empty one, and says nothing.
      for (const metric of asked)
        for (const label of [...grouped, ...matched])
          expect(labelsOf.get(metric), `${name}: ${metric}: ${expr}`).toContain(label);
      for (const [, operations] of expr.matchAll(/operation=~?"([^"]*)"/g))
        for (const operation of operations!.split('|')) expect(fields, name).toContain(operation);
    }
  });

  it('are read from every program', () => {
    const files = readAllFiles();
    const [monitor] = ofKind(files, 'PodMonitor');
    const scraped = listWorkloads(files).filter(({ labels }) => selects(monitor!.spec.selector, labels));
    expect(scraped.map(({ object }) => nameOf(object)).sort()).toEqual([
      'Deployment gateway',
      'Deployment scheduler',
      'Deployment worker',
    ]);
    for (const { pod } of scraped)
      for (const { port, path } of monitor!.spec.podMetricsEndpoints) {
        expect(pod.containers[0].ports.map(({ name }: { name: string }) => name)).toContain(port);
        expect(path).toBe('/metrics');
      }
  });

  it('count what rises by its rate, and show what is by itself', () => {
    for (const { name, expr } of expressions)
      for (const [, before, metric] of expr.matchAll(/(\w+)?\(?(caseload_\w+_total)\b/g))
        expect(['rate', 'increase'], `${name}: ${metric}`).toContain(before);
  });

  it('show everything that the manual lists', () => {
    const manual = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const listed = [...manual.matchAll(/^\| (`caseload_[^|]*)\|/gm)].flatMap(
      (row) => row[1]!.match(/caseload_\w+\*?\w*/g)!,
    );
    expect(listed.length).toBeGreaterThan(20);
    for (const metric of listed) {
      const pattern = new RegExp(`^${metric.replace('*', '\\w+')}$`);
      expect(
        [...labelsOf.keys()].some((name) => pattern.test(name)),
        metric,
      ).toBe(true);
    }
    for (const { alert } of rules) expect(manual).toContain(`| \`${alert}\` |`);
    expect([...manual.matchAll(/^\| `(Caseload\w+)` \|/gm)].map((row) => row[1])).toEqual(
      rules.map(({ alert }) => alert),
    );
  });
});
