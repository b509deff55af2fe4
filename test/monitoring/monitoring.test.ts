import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { samplesOf } from '../support/metrics.js';
import { metricsIn } from './promql.js';
import { MARK, work, type Worked } from './work.js';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

let worked: Worked;
let text: string;
let samples: ReadonlyMap<string, number>;
beforeAll(async () => {
  worked = await work();
  text = (await worked.api.fetch('/metrics')).text;
  samples = samplesOf(text);
});
afterAll(() => worked.close());

/** The values of each label of a metric, as they are shown. */
function labelsOf(metric: string): ReadonlyMap<string, ReadonlySet<string>> {
  const labels = new Map<string, Set<string>>();
  for (const name of samples.keys()) {
    if (name !== metric && !name.startsWith(`${metric}{`)) continue;
    for (const [, label = '', value = ''] of name.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
    }
  }
  return labels;
}
const isShown = (metric: string) =>
  [...samples.keys()].some((name) => name === metric || name.startsWith(`${metric}{`));

/** The faults of an expression: metrics that are not there, labels and values that they do not have. */
function faultsOf(expression: string): string[] {
  return metricsIn(expression).flatMap(({ metric, matchers }) => {
    if (!isShown(metric)) return [`${metric} is not there`];
    const labels = labelsOf(metric);
    return matchers.flatMap(({ label, op, value }) => {
      const values = labels.get(label) ?? new Set();
      const wanted = op === '=~' || op === '!~' ? value.split('|') : [value];
      return wanted.filter((one) => !values.has(one)).map((one) => `${metric} has no ${label} "${one}"`);
    });
  });
}

describe('the metrics', () => {
  it('count what has happened', () => {
    const counts = {
      skynet_tasks_created_total: 4,
      'skynet_tasks_claimed_total{holder="dispatcher"}': 1,
      'skynet_tasks_claimed_total{holder="worker"}': 3,
      'skynet_tasks_claimed_total{holder="host"}': 0,
      'skynet_tasks_ended_total{outcome="succeeded"}': 2,
      'skynet_tasks_ended_total{outcome="failed"}': 1,
      'skynet_tasks_ended_total{outcome="cancelled"}': 1,
      skynet_tasks_released_total: 1,
      skynet_task_queue_seconds_count: 4,
      'skynet_task_run_seconds_count{outcome="succeeded"}': 2,
      'skynet_task_run_seconds_count{outcome="failed"}': 1,
      'skynet_claim_seconds_count{outcome="failed"}': 0,
      'skynet_lease_expiries_total{verdict="release"}': 1,
      'skynet_stale_completions_total{holder="worker"}': 1,
      'skynet_stale_completions_total{holder="dispatcher"}': 0,
      skynet_file_wait_seconds_count: 1,
      'skynet_dispatch_seconds_count{outcome="succeeded"}': 1,
      'skynet_dispatch_attempts_total{outcome="succeeded"}': 1,
      'skynet_coalesced_batch_items_sum{call="enqueue"}': 3,
      'skynet_tasks{status="failed"}': 2,
      'skynet_gateways{state="up"}': 1,
      'skynet_gateway_breakers{state="open"}': 0,
      skynet_event_streams: 1,
      skynet_database_up: 1,
      skynet_database_connections_max: 10,
    };
    expect(Object.fromEntries(Object.keys(counts).map((name) => [name, samples.get(name)]))).toEqual(counts);
    expect(samples.get('skynet_claim_seconds_count{outcome="claimed"}')).toBeGreaterThanOrEqual(4);
    expect(samples.get('skynet_loop_passes_total{loop="reaper",outcome="good"}')).toBeGreaterThan(0);
    expect(samples.get('skynet_loop_lag_seconds{loop="reaper"}')).toBeLessThan(60);
    expect(samples.get('skynet_event_position')).toBeGreaterThanOrEqual(10);
    expect(samples.get('skynet_event_reader_lag_seconds')).toBeLessThan(60);
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  it('have names after the rules', () => {
    const metrics = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
      name,
      type,
    }));
    expect(metrics.length).toBeGreaterThan(50);
    expect(metrics.filter(({ name }) => !/^(skynet|process|nodejs)_[a-z0-9_]+$/.test(name))).toEqual([]);
    const own = metrics.filter(({ name }) => name.startsWith('skynet_'));
    expect(own.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'))).toEqual([]);
    const unit = /_(seconds|items)$/;
    expect(own.filter(({ name, type }) => type === 'histogram' && !unit.test(name))).toEqual([]);
    expect(own.filter(({ name }) => /_(ms|milliseconds|minutes|kb|mb)(_|$)/.test(name))).toEqual([]);
  });

  it('have no id in a label, and no label without an end', () => {
    const ids = [MARK, new URL(worked.api.url).host, worked.api.databaseUrl.split('/').at(-1) ?? MARK];
    expect([...samples.keys()].filter((name) => ids.some((id) => name.includes(id)))).toEqual([]);
    const own = [...samples.keys()].filter((name) => name.startsWith('skynet_'));
    const labels = new Set(own.flatMap((name) => [...name.matchAll(/(\w+)="/g)].map(([, label]) => label)));
    expect([...labels].sort()).toEqual([
      ...['call', 'holder', 'kind', 'le', 'loop', 'mode', 'outcome', 'reason', 'state', 'status'],
      ...['verdict', 'version'],
    ]);
    // Whatever runs: one replica shows so many series and no more.
    expect(own.length).toBeLessThan(700);
  });

  it('stand in docs/metrics.md, each with its type, its labels and what it means', () => {
    const help = new Map(
      [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', said = '']) => [name, said]),
    );
    const types = [...text.matchAll(/^# TYPE (skynet_\S+) (\S+)$/gm)].sort(([, a = ''], [, b = '']) =>
      a < b ? -1 : 1,
    );
    const rows = types.map(([, name = '', type = '']) => {
      const labels = [...labelsOf(type === 'histogram' ? `${name}_count` : name).keys()];
      return [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help.get(name) ?? ''];
    });
    const page = readFileSync('docs/metrics.md', 'utf8');
    const table = page.slice(page.indexOf('<!-- metrics -->'), page.indexOf('<!-- /metrics -->'));
    const written = table
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(written).toEqual(rows);
  });
});

describe('the alerts', () => {
  const { groups } = parse(readFileSync('deploy/monitoring/alerts.yaml', 'utf8')) as {
    groups: { rules: Alert[] }[];
  };
  const alerts = groups.flatMap(({ rules }) => rules);
  const operations = readFileSync('docs/operations.md', 'utf8');

  it('name metrics, labels and values that are there, in expressions that parse', () => {
    expect(alerts.length).toBeGreaterThan(15);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    expect(alerts.flatMap(({ alert, expr }) => faultsOf(expr).map((fault) => `${alert}: ${fault}`))).toEqual(
      [],
    );
    expect(faultsOf('sum(skynet_nothing{a="b"}) > skynet_gateways{state="odd"}')).toHaveLength(2);
    expect(() => metricsIn('sum by (a skynet_tasks')).toThrow('Not PromQL');
  });

  it('say how urgent they are and for how long they wait', () => {
    for (const { alert, for: wait, labels, annotations } of alerts) {
      expect([alert, labels['severity']]).toEqual([
        alert,
        expect.stringMatching(/^(critical|warning|info)$/),
      ]);
      expect([alert, wait]).toEqual([alert, expect.stringMatching(/^\d+[mh]$/)]);
      expect([alert, annotations['summary']]).toEqual([alert, expect.stringMatching(/^[A-Z].*\.$/)]);
      expect([alert, annotations['description']]).toEqual([alert, expect.stringMatching(/\.$/)]);
    }
  });

  it('have a paragraph each in docs/operations.md: what it means, how to look, what to do', () => {
    const section = operations.slice(operations.indexOf('\n## Alerts\n'));
    const paragraphs = new Map(
      section
        .split('\n### ')
        .slice(1)
        .map((paragraph) => [paragraph.split('\n', 1)[0] ?? '', paragraph]),
    );
    expect([...paragraphs.keys()]).toEqual(alerts.map(({ alert }) => alert));
    for (const { alert, annotations } of alerts) {
      expect(annotations['runbook_url']).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      for (const part of ['**What it means.** ', '**How to look.** ', '**What to do.** ']) {
        expect([alert, paragraphs.get(alert)]).toEqual([alert, expect.stringContaining(part)]);
      }
    }
    const names = [...section.matchAll(/\(#(\w+)\)/g)].map(([, name = '']) => name);
    const known = alerts.map(({ alert }) => alert.toLowerCase());
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    const named = [...section.matchAll(/`((?:skynet|process|nodejs)_[a-z0-9_]+)(?:\{[^`]*)?`/g)];
    expect(
      named.map(([, metric = '']) => metric).filter((m) => !isShown(m) && !isShown(`${m}_count`)),
    ).toEqual([]);
  });
});

describe('the dashboard', () => {
  const { panels } = JSON.parse(readFileSync('deploy/monitoring/dashboard.json', 'utf8')) as {
    panels: Panel[];
  };

  it('names metrics, labels and values that are there, in expressions that parse', () => {
    const charts = panels.filter(({ type }) => type !== 'row');
    expect(charts.length).toBeGreaterThan(20);
    const faults = charts.flatMap(({ title, targets = [] }) => {
      const expressions = targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'));
      return expressions.length === 0
        ? [`${title}: shows nothing`]
        : expressions.flatMap(faultsOf).map((fault) => `${title}: ${fault}`);
    });
    expect(faults).toEqual([]);
  });

  it('shows every metric of ours', () => {
    const named = new Set(
      panels.flatMap(({ targets = [] }) =>
        targets.flatMap(({ expr }) =>
          metricsIn(expr.replaceAll('$__rate_interval', '5m')).map(({ metric }) => metric),
        ),
      ),
    );
    const own = [...text.matchAll(/^# TYPE (skynet_\S+) (\S+)$/gm)].map(([, name = '', type = '']) =>
      type === 'histogram' ? `${name}_bucket` : name,
    );
    const left = own.filter((name) => !named.has(name));
    expect(left).toEqual(['skynet_loop_interval_seconds']);
  });
});
