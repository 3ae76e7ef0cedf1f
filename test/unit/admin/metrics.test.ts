import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { METRICS, type MetricName, Metrics } from '../../../src/admin/metrics.ts';
import { ProcessMetrics } from '../../../src/admin/process-metrics.ts';

const names = Object.keys(METRICS) as MetricName[];

describe('metrics', () => {
  test('docs/metrics.md lists exactly the table', () => {
    const rows = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => /^\| `(detour|process)_\w+` \| (counter|gauge|histogram) /.test(line));
    expect(rows).toEqual(
      names.map((name) => {
        const { kind, labels, help } = METRICS[name];
        return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ') || 'none'} | ${help} |`;
      }),
    );
  });

  test('are named as Prometheus wants: counters end in _total, everything else does not', () => {
    for (const name of names) expect([name, name.endsWith('_total')]).toEqual([name, METRICS[name].kind === 'counter']);
  });

  test('are all there, each with its help, before anything has happened', async () => {
    const { type, body } = await new Metrics().render();
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const name of names) {
      expect(body).toContain(`# HELP ${name} ${METRICS[name].help}`);
      expect(body).toContain(`# TYPE ${name} ${METRICS[name].kind}`);
    }
  });

  test('count, replace what was there before, and put times into buckets', async () => {
    const metrics = new Metrics();
    metrics.increase('detour_xds_acks_total', { type: 'route' });
    metrics.increase('detour_xds_acks_total', { type: 'route' }, 2);
    metrics.replace('detour_intercepts', [
      [{ state: 'active' }, 3],
      [{ state: 'expired' }, 1],
    ]);
    metrics.replace('detour_intercepts', [[{ state: 'active' }, 2]]);
    metrics.observe('detour_change_to_last_ack_seconds', 0.004);
    metrics.setCounter('detour_services_built_total', 5);
    metrics.setCounter('detour_services_built_total', 7);
    const { body } = await metrics.render();
    expect(body).toContain('detour_xds_acks_total{type="route"} 3\n');
    expect(body).toContain('detour_intercepts{state="active"} 2\n');
    expect(body).not.toContain('state="expired"');
    expect(body).toContain('detour_change_to_last_ack_seconds_bucket{le="0.0025"} 0\n');
    expect(body).toContain('detour_change_to_last_ack_seconds_bucket{le="0.005"} 1\n');
    expect(body).toContain('detour_services_built_total 7\n');
  });

  test('two of them share nothing', async () => {
    const metrics = new Metrics();
    metrics.increase('detour_updates_total', {});
    expect((await new Metrics().render()).body).toContain('detour_updates_total 0\n');
  });

  test('of the process are what the system says', async () => {
    using processMetrics = new ProcessMetrics();
    const metrics = new Metrics();
    processMetrics.collect(metrics);
    const { body } = await metrics.render();
    const value = (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec(body)?.[1]);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(value('process_start_time_seconds')).toBeGreaterThan(1_600_000_000);
    expect(body).toMatch(/detour_event_loop_lag_seconds\{quantile="0.99"\} \d/);
  });
});
