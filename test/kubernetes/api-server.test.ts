/** The bench itself: a real API server that a test can fill, watch, ask as somebody else, stop and wipe. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubernetesObject, ObjectMetadata } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { until } from '../support/until.ts';

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly metadata: ObjectMetadata; readonly [field: string]: unknown }[];
}

const SERVICES = '/api/v1/namespaces/default/services';
const PODS = '/api/v1/namespaces/default/pods';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

function service(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', labels }, spec };
}

function pod(name: string, ip: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'shop' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'shop' }] },
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

const slice: KubernetesObject = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'shop-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'shop' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'shop-a' } }],
};

const reader: KubernetesObject[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'pod-reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'pod-reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pod-reader' },
    subjects: [
      { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'reader' },
      { kind: 'ServiceAccount', namespace: 'default', name: 'detour' },
    ],
  },
];

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({ users: [{ name: 'reader', groups: [] }] });
  await api.apply([service('shop'), pod('shop-a', '10.1.0.1'), slice]);
});

afterAll(() => api[Symbol.asyncDispose]());

function names(list: List): string[] {
  return list.items.map(({ metadata }) => metadata.name);
}

test('what is applied is there, a Pod with its status', async () => {
  expect(names(await api.request<List>('GET', `${SERVICES}?labelSelector=!component`))).toEqual(['shop']);
  const slices = await api.request<List>('GET', SLICES);
  expect(slices.items).toMatchObject([{ metadata: { name: 'shop-1' }, endpoints: slice['endpoints'] }]);
  const pods = await api.request<List>('GET', `${PODS}?labelSelector=app%3Dshop`);
  expect(pods.items).toMatchObject([{ status: { phase: 'Running', podIP: '10.1.0.1' } }]);
});

test('what is applied again is as it is given then, without what is no longer said', async () => {
  await api.apply([service('again', { one: '1', two: '2' })]);
  const [changed] = await api.apply([service('again', { two: '3' })]);
  expect(changed?.metadata['labels']).toEqual({ two: '3' });
  const [moved] = await api.apply([pod('moving', '10.1.0.7'), pod('moving', '10.1.0.8')].slice(1));
  expect(moved?.['status']).toMatchObject({ podIPs: [{ ip: '10.1.0.8' }] });
  await api.delete([service('again'), pod('moving', '')]);
});

test('a mistake in an object is told', async () => {
  const spec = { prots: [] };
  await expect(api.apply([{ ...service('typo'), spec }])).rejects.toThrow(/spec\.prots: field not declared in schema/);
});

test('a watch tells every change from its resource version on', async () => {
  const { metadata } = await api.request<List>('GET', PODS);
  await using watch = await api.watch(PODS, metadata.resourceVersion);
  await api.apply([pod('seen', '10.1.0.2')]);
  await api.delete([pod('seen', '10.1.0.2')]);
  await until('the deletion', () => watch.events.some(({ type }) => type === 'DELETED'));
  expect(watch.events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
    'ADDED seen',
    // Its status, then its end: a Pod is marked before it goes.
    'MODIFIED seen',
    'MODIFIED seen',
    'DELETED seen',
  ]);
});

test('users and ServiceAccounts may do what their roles say, and nobody else anything', async () => {
  await api.apply(reader);
  const account = await api.serviceAccountToken('default', 'detour');
  for (const token of [api.token('reader'), account]) {
    const client = await api.clientWith(token);
    await until('the role', async () => (await client.request<List>('GET', PODS)).items.length > 0);
    await expect(client.request('GET', SERVICES)).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
  }
  const stranger = await api.clientWith('nobody');
  await expect(stranger.request('GET', PODS)).rejects.toMatchObject({ status: 401, reason: 'Unauthorized' });
});

test('a kubeconfig names the server, its certificate and the token of the user', async () => {
  const config = JSON.parse(api.kubeconfig('reader'));
  expect(config.clusters[0].cluster).toEqual({ server: api.url, 'certificate-authority': api.caFile });
  expect(config.users[0].user.token).toBe(api.token('reader'));
  expect(existsSync(await api.kubeconfigFile('reader'))).toBe(true);
  expect(() => api.kubeconfig('stranger')).toThrow('no user stranger; there are admin, reader');
});

test('a server that stops ends its watches and answers nothing; started again it has what it had', async () => {
  await using watch = await api.watch(SERVICES);
  await until('the first event', () => watch.events.length > 0);
  await api.stop();
  await until('the end of the watch', () => watch.ended);
  await expect(api.request('GET', SERVICES)).rejects.toThrow(/ECONNREFUSED/);
  await api.start();
  expect(names(await api.request<List>('GET', SERVICES))).toContain('shop');
});

test('a wiped server has nothing, and counts its resource versions anew', async () => {
  for (let round = 0; round < 300; round += 1) await api.apply([service('shop', { round: String(round) })]);
  const before = await api.request<List>('GET', SERVICES);
  await api.wipe();
  const after = await api.request<List>('GET', SERVICES);
  expect(names(after)).not.toContain('shop');
  expect(Number(after.metadata.resourceVersion)).toBeLessThan(Number(before.metadata.resourceVersion));
});

test('nothing is left of a server that was disposed of', async () => {
  let folder: string;
  {
    await using short = await startApiServer();
    folder = dirname(await short.kubeconfigFile());
    expect(existsSync(folder)).toBe(true);
  }
  expect(existsSync(folder)).toBe(false);
});
