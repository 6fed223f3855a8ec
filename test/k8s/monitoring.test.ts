import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGatewayService } from '../../src/gateway.ts';
import { measureBacklog } from '../../src/scheduler/measure-backlog.ts';
import { createSchedulerServices } from '../../src/scheduler.ts';
import { createWorkerServices } from '../../src/worker.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { readData } from './manifests.ts';

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

let engine: TestEngine;
const names = new Set<string>();
const labels = new Set(['instance']);

beforeAll(async () => {
  engine = await startEngine();
  const { foundation } = engine;
  createGatewayService(foundation, () => undefined);
  createSchedulerServices(foundation);
  createWorkerServices(foundation);
  foundation.metrics.setBacklog(0, await measureBacklog(foundation.shard));
  for (const metric of foundation.metrics.registry.getMetricsAsArray()) {
    names.add(metric.name);
    // Their parts, as Prometheus shows them.
    if (String(metric.type) === 'histogram')
      for (const part of ['bucket', 'sum', 'count']) names.add(`${metric.name}_${part}`);
    for (const label of (metric as unknown as { readonly labelNames: readonly string[] }).labelNames) labels.add(label);
  }
  labels.add('le').add('program');
});
afterAll(() => engine.stop());

describe('alerts and dashboard', () => {
  it('ask for metrics that exist, by labels that exist', () => {
    expect(expressions.length).toBeGreaterThan(40);
    for (const { name, expr } of expressions) {
      const asked = expr.match(/caseload_\w+/g) ?? [];
      expect(asked, name).not.toEqual([]);
      for (const metric of asked) expect(names, name).toContain(metric);
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap((match) =>
        match[1]!.split(',').map((label) => label.trim()),
      );
      const matched = [...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map((match) => match[1]!);
      for (const label of [...grouped, ...matched]) expect(labels, `${name}: ${expr}`).toContain(label);
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
        [...names].some((name) => pattern.test(name)),
        metric,
      ).toBe(true);
    }
    for (const { alert } of rules) expect(manual).toContain(`| \`${alert}\` |`);
    expect([...manual.matchAll(/^\| `(Caseload\w+)` \|/gm)].map((row) => row[1])).toEqual(
      rules.map(({ alert }) => alert),
    );
  });
});
