/** What is read off the running parts when somebody scrapes. */
import { PROBLEMS } from '../model/problem.ts';
import type { ControlPlane } from './control-plane.ts';
import { rejectionsById } from './intercept-report.ts';
import type { Metrics } from './metrics.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import { known } from './xds-metrics.ts';

export function collectGauges(metrics: Metrics, plane: ControlPlane, processMetrics: ProcessMetrics): void {
  const { engine, server, source, sourceState, version, status, tls } = plane.parts;
  metrics.set('detour_build_info', { version }, 1);
  metrics.set('detour_ready', {}, plane.isReady ? 1 : 0);
  metrics.set('detour_draining', {}, server.isDraining ? 1 : 0);
  metrics.set('detour_source_synced', { source: source.name }, sourceState.synced ? 1 : 0);
  metrics.set('detour_source_available', { source: source.name }, sourceState.trouble === undefined ? 1 : 0);
  metrics.set('detour_source_last_read_timestamp_seconds', { source: source.name }, source.lastReadAt() / 1000);
  const age = sourceState.ageMs;
  metrics.replace('detour_source_age_seconds', age === undefined ? [] : [[{ source: source.name }, age / 1000]]);
  const ahead = source.clockAheadMs?.();
  metrics.replace('detour_source_clock_ahead_seconds', ahead === undefined ? [] : [[{ source: source.name }, ahead / 1000]]);
  metrics.setCounter('detour_services_built_total', engine.servicesBuilt);
  metrics.replace(
    'detour_intercepts',
    [...plane.interceptsByState()].map(([state, count]) => [{ state }, count] as const),
  );
  metrics.replace(
    'detour_problems',
    [...plane.problemsByCode()].map(([code, count]) => [{ code, severity: PROBLEMS[code].severity }, count] as const),
  );
  metrics.set('detour_leader', {}, status?.isLeading === true ? 1 : 0);
  metrics.set('detour_status_available', {}, status?.isWell === false ? 0 : 1);
  if (tls !== undefined) {
    metrics.set('detour_tls_certificate_expiry_timestamp_seconds', { listener: 'xds' }, tls.expiresAt / 1000);
    metrics.set('detour_tls_reload_failing', { listener: 'xds' }, tls.trouble === undefined ? 0 : 1);
  }
  const proxies = server.proxies();
  metrics.replace(
    'detour_xds_streams',
    counts(proxies, ({ protocol, role }) => JSON.stringify([protocol, role])).map(([pair, count]) => {
      const [protocol = '', role = '']: readonly string[] = JSON.parse(pair);
      return [{ protocol, role }, count] as const;
    }),
  );
  const duplicates = new Set(proxies.filter(({ warning }) => warning !== undefined).map(({ id }) => id));
  metrics.set('detour_xds_duplicate_nodes', {}, duplicates.size);
  const types = proxies.flatMap((proxy) => proxy.types.map(({ type }) => known(type)));
  metrics.replace(
    'detour_xds_subscriptions',
    counts(types, (type) => type).map(([type, count]) => [{ type }, count] as const),
  );
  metrics.replace(
    'detour_xds_resources',
    [...server.resources()].map(([type, count]) => [{ type }, count] as const),
  );
  metrics.set('detour_xds_quarantined_intercepts', {}, rejectionsById(server.rejections()).size);
  processMetrics.collect(metrics);
}

function counts<T>(values: readonly T[], nameOf: (value: T) => string): readonly (readonly [name: string, count: number])[] {
  return [...Map.groupBy(values, nameOf)].map(([name, group]) => [name, group.length] as const);
}
