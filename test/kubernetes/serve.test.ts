/** The control plane on a real API server: what it waits for, what it serves, and what it says when the server is away. */
import { expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Logger } from '../../src/logger.ts';
import { AdsClient } from '../support/ads-client.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { startApiServer } from '../support/kubernetes/api-server.ts';
import { until } from '../support/until.ts';

const metadata = { name: 'detour', namespace: 'shop' };
const RBAC = 'rbac.authorization.k8s.io';
const ROLE: readonly KubernetesObject[] = [
  {
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata,
    rules: [
      { apiGroups: [''], resources: ['services', 'pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    ],
  },
  {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: RBAC, kind: 'Role', name: 'detour' },
    subjects: [{ kind: 'User', apiGroup: RBAC, name: 'detour' }],
  },
];
const SHOP: readonly KubernetesObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'api', namespace: 'shop' },
    spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'api-pr-1',
      namespace: 'shop',
      labels: { 'detour.dev/preview': 'pr-1' },
      annotations: { 'detour.dev/intercept': 'api' },
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'shop', ports: [{ containerPort: 8080 }] }] },
    status: {
      phase: 'Running',
      podIP: '10.1.0.9',
      podIPs: [{ ip: '10.1.0.9' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  },
];

const LOG: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('serve waits for its rights and says so, serves, and goes on serving while the API server is away', async () => {
  await using api = await startApiServer({ users: [{ name: 'detour', groups: [] }] });
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, ...SHOP]);
  const where = ['--source', 'kubernetes', '--kubeconfig', await api.kubeconfigFile('detour'), '--namespace', 'shop'];
  const { config, mistakes } = readConfig([...where, '--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'], {});
  expect(mistakes).toEqual([]);
  if (config === undefined) return;
  let later = 0;
  await using app = await startApp(config, { log: LOG, version: '1.2.3', now: () => Date.now() + later });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${app.admin.port}${path}`);
    return `${response.status} ${await response.text()}`;
  };

  // There is no state yet that could be old.
  expect(await get('/metrics')).not.toContain('detour_source_age_seconds{');
  const missing = /^503 .*cannot list services in namespace shop: 403 .*; cannot list endpointslices .*; cannot list pods .*/;
  await until('the missing rights', async () => missing.test(await get('/readyz')));

  await api.apply(ROLE);
  await until('ready', async () => (await get('/readyz')) === '200 ok\n', 60_000);
  expect(await get('/api/intercepts')).toContain('"10.1.0.9:8080"');
  expect(await get('/metrics')).toContain('detour_source_available{source="kubernetes"} 1');
  expect(await get('/metrics')).toContain('detour_source_age_seconds{source="kubernetes"} 0\n');

  await api.stop();
  const away = /^200 .*\[\+\] kubernetes: the API server .* cannot be reached: .* \(since .*\); what was read last is served/s;
  await until('the trouble', async () => away.test(await get('/readyz?verbose')));
  expect(await get('/readyz')).toBe('200 ok\n');
  expect(await get('/api/intercepts')).toContain('"10.1.0.9:8080"');
  expect(await get('/metrics')).toContain('detour_source_available{source="kubernetes"} 0');
  later = 3_600_000;
  const age = Number(/served, it is (?<seconds>\d+) s old/.exec(await get('/readyz?verbose'))?.groups?.['seconds']);
  expect(age).toBeGreaterThanOrEqual(3_600);
  expect(age).toBeLessThan(3_700);
  expect(await get('/metrics')).toMatch(/detour_source_age_seconds\{source="kubernetes"\} 36\d\d/);
  await api.start();
  await until('the age to be 0 again', async () => /detour_source_age_seconds\{[^}]*\} 0\n/.test(await get('/metrics')), 60_000);
}, 120_000);

test('an API server that is down at the start keeps Envoys waiting, with a word on why, until it has come', async () => {
  await using api = await startApiServer();
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, ...SHOP]);
  const kubeconfig = await api.kubeconfigFile();
  await api.stop();
  const where = ['--source', 'kubernetes', '--kubeconfig', kubeconfig];
  const { config } = readConfig([...where, '--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'], {});
  if (config === undefined) throw new Error('the flags are right');
  await using app = await startApp(config, { log: LOG, version: '1.2.3' });
  using envoy = new AdsClient({ port: app.xds.port, node: 'gateway~shop/edge', detour: { listen: '127.0.0.1:8080' } });
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${app.admin.port}/readyz`);
    return `${response.status} ${await response.text()}`;
  };
  const down = /^503 .*\[-\] kubernetes: the API server .* cannot be reached: .*\nnot ready: waiting for kubernetes\n$/s;
  await until('the reason', async () => down.test(await ready()));
  expect([envoy.responses, envoy.end]).toEqual([[], undefined]);

  await api.start();
  await until('ready', async () => (await ready()) === '200 ok\n', 60_000);
  // The stream that waited is the one that is answered, and with all there is.
  await until('the answer', () => envoy.responses.length > 0);
  const intercepts = await fetch(`http://127.0.0.1:${app.admin.port}/api/intercepts`);
  expect(await intercepts.text()).toContain('"10.1.0.9:8080"');
}, 120_000);
