/** `--source kubernetes` against a real API server. What one cannot be made to do is in test/unit/sources/kubernetes. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HttpApiClient } from '../../src/kubernetes/api-client.ts';
import { callForObject } from '../../src/kubernetes/api-objects.ts';
import { inClusterAccess } from '../../src/kubernetes/in-cluster.ts';
import { kubeconfigAccess } from '../../src/kubernetes/kubeconfig.ts';
import { kubernetesSource } from '../../src/sources/kubernetes/kubernetes-source.ts';
import { REFLECTOR_TIMES } from '../../src/sources/kubernetes/reflector.ts';
import type { SourceBatch } from '../../src/sources/source.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { until } from '../support/until.ts';

const TIMES = { ...REFLECTOR_TIMES, backOff: { first: 10, longest: 200 } };
const RBAC = 'rbac.authorization.k8s.io';

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer({ users: ['reader', 'namespaced', 'late', 'half'].map((name) => ({ name, groups: [] })) });
});
afterAll(() => api[Symbol.asyncDispose]());

const named = (kind: string, name: string, rest: object = {}, apiVersion = 'v1', namespace = 'shop'): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  ...rest,
});
const namespace = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function service(name: string, port = 80, inNamespace = 'shop'): KubernetesObject {
  return named('Service', name, { spec: { selector: { app: name }, ports: [{ name: 'http', port }] } }, 'v1', inNamespace);
}

function slice(name: string, labels: Readonly<Record<string, string>>): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'shop', labels },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
  };
}

function pod(name: string, labels: Readonly<Record<string, string>>): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels, annotations: { 'detour.dev/intercept': 'api', note: 'x' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'shop', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: {
      phase: 'Running',
      podIP: '10.1.0.9',
      podIPs: [{ ip: '10.1.0.9' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

const PREVIEW = { 'detour.dev/preview': 'pr-1' };
const ALL = { services: [''], pods: [''], endpointslices: ['discovery.k8s.io'] };

/** A role and its binding; in all namespaces where none is given. */
function grant(user: string, resources: Readonly<Record<string, readonly string[]>>, inNamespace?: string): KubernetesObject[] {
  const kind = inNamespace === undefined ? 'ClusterRole' : 'Role';
  const name = `${user}-${Object.keys(resources).join('-')}`;
  const metadata = { name, ...(inNamespace === undefined ? {} : { namespace: inNamespace }) };
  const rules = Object.entries(resources).map(([resource, apiGroups]) => ({
    apiGroups,
    resources: [resource],
    verbs: ['get', 'list', 'watch'],
  }));
  return [
    { apiVersion: `${RBAC}/v1`, kind, metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name },
      subjects: [{ kind: 'User', apiGroup: RBAC, name: user }],
    },
  ];
}

class Followed implements Disposable {
  readonly objects = new Map<string, unknown>();
  readonly troubles = new Set<string>();
  readonly source;
  last: SourceBatch = { changes: [], problems: [], synced: false, trouble: undefined };
  readonly #following;

  constructor(source: ReturnType<typeof kubernetesSource>) {
    this.source = source;
    this.#following = source.follow((batch) => {
      this.last = batch;
      if (batch.trouble !== undefined) this.troubles.add(batch.trouble);
      for (const { kind, key, object } of batch.changes) {
        if (object === undefined) this.objects.delete(`${kind} ${key}`);
        else this.objects.set(`${kind} ${key}`, object);
      }
    });
  }

  /** Of namespaces that the tests make. */
  get names(): readonly string[] {
    return [...this.objects.keys()].filter((name) => !name.includes(' default/')).sort();
  }

  async untilNames(...names: readonly string[]): Promise<void> {
    await until(`${names.join(', ')}, not ${this.names.join(', ')}`, () => this.names.join() === names.join());
  }

  async untilWell(): Promise<void> {
    await until('sync without trouble', () => this.last.synced && this.last.trouble === undefined);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }
}

async function follow(user: string, namespaces: readonly string[] = []): Promise<Followed> {
  const files = [await api.kubeconfigFile(user)];
  const access = kubeconfigAccess({ files, context: undefined, environment: {}, now: Date.now });
  return new Followed(kubernetesSource({ access, namespaces, now: Date.now, times: TIMES }));
}

async function clear(): Promise<void> {
  for (const path of ['/api/v1/namespaces/shop/pods', '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices'])
    await api.request('DELETE', `${path}?gracePeriodSeconds=0`);
  for (const name of ['shop', 'web']) await api.request('DELETE', `/api/v1/namespaces/${name}/services`);
}

async function prepare(): Promise<void> {
  await api.apply([namespace('shop'), namespace('web'), ...grant('reader', ALL)]);
}

beforeAll(prepare);
beforeEach(clear);

test('objects are listed, and followed as they come, change and go; only previews among the pods', async () => {
  await api.apply([
    service('api'),
    slice('api-1', { 'kubernetes.io/service-name': 'api' }),
    slice('alone', {}),
    pod('preview', PREVIEW),
    pod('other', { app: 'api' }),
  ]);
  using followed = await follow('reader');
  await followed.untilWell();
  expect(followed.names).toEqual(['pod shop/preview', 'service shop/api', 'slice shop/api-1']);
  expect(followed.objects.get('pod shop/preview')).toMatchObject({
    previewLabel: 'pr-1',
    annotations: { intercept: 'api' },
    ips: ['10.1.0.9'],
    ready: true,
  });
  expect(followed.last.problems).toEqual([]);

  await api.apply([service('web'), service('api', 81)]);
  await followed.untilNames('pod shop/preview', 'service shop/api', 'service shop/web', 'slice shop/api-1');
  await until('port 81', () => JSON.stringify(followed.objects.get('service shop/api')).includes('81'));
  // A pod becomes a preview, and another is none any more, by their labels alone.
  await api.apply([pod('other', { app: 'api', ...PREVIEW }), pod('preview', { app: 'api' })]);
  await followed.untilNames('pod shop/other', 'service shop/api', 'service shop/web', 'slice shop/api-1');
  await api.delete([pod('other', {}), service('web')]);
  await followed.untilNames('service shop/api', 'slice shop/api-1');
  expect([...followed.troubles]).toEqual([]);
});

test('more objects than a page has are all listed', async () => {
  await Promise.all(Array.from({ length: 1_050 }, (_, index) => createSlice(index)));
  using followed = await follow('reader');
  await followed.untilWell();
  expect(followed.objects.size).toBeGreaterThanOrEqual(1_050);
});

function createSlice(index: number): Promise<unknown> {
  const object = slice(`many-${index}`, { 'kubernetes.io/service-name': 'many' });
  return api.request('POST', '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices', object);
}

test('of namespaces that are given no other is read, and a Role in each suffices', async () => {
  await api.apply([...grant('namespaced', ALL, 'shop'), ...grant('namespaced', ALL, 'web')]);
  await api.apply([service('api'), service('front', 80, 'web')]);
  using both = await follow('namespaced', ['shop', 'web']);
  await both.untilWell();
  expect(both.names).toEqual(['service shop/api', 'service web/front']);
  expect(both.objects.size).toBe(2);
  using one = await follow('namespaced', ['web']);
  await one.untilWell();
  expect(one.names).toEqual(['service web/front']);
});

test('a right that is missing is named, and counts as soon as it is granted', async () => {
  await api.apply(grant('late', { services: [''], endpointslices: ['discovery.k8s.io'] }));
  await api.apply([service('api'), pod('preview', PREVIEW)]);
  using followed = await follow('late');
  await followed.untilNames('service shop/api');
  await until('the right that is missing', () =>
    followed.last.trouble?.startsWith('cannot list pods in all namespaces: 403 pods is forbidden: User "late"'),
  );
  expect(followed.last.trouble).toContain('needs get, list and watch on pods (since ');
  expect(followed.last.trouble).not.toContain('services');
  expect(followed.last.synced).toBe(false);
  await api.apply(grant('late', { pods: [''] }));
  await followed.untilWell();
  expect(followed.names).toEqual(['pod shop/preview', 'service shop/api']);
});

test('credentials that are not accepted are told, and new ones in the same file count', async () => {
  const file = await api.kubeconfigFile('half');
  const text = api.kubeconfig('reader');
  await writeFile(file, text.replaceAll(api.token('reader'), 'nobody'));
  const access = kubeconfigAccess({ files: [file], context: undefined, environment: {}, now: Date.now });
  using followed = new Followed(kubernetesSource({ access, namespaces: [], now: Date.now, times: TIMES }));
  await until('the refusal', () => followed.last.trouble?.startsWith('401 Unauthorized: the credentials are not accepted'));
  await writeFile(file, text);
  await followed.untilWell();
});

test('whom the kubeconfig says to act as decides, not who logs in', async () => {
  const config = JSON.parse(api.kubeconfig('admin'));
  const acting = { as: 'jane', 'as-groups': ['readers', 'böse'], 'as-user-extra': { 'example.com/why': ['a', 'b'] } };
  config.users[0].user = { ...config.users[0].user, ...acting };
  const file = join(api.folder, 'acting.kubeconfig');
  await writeFile(file, JSON.stringify(config));
  const access = kubeconfigAccess({ files: [file], context: undefined, environment: {}, now: Date.now });
  using client = new HttpApiClient(access);
  const review = await callForObject(client, {
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    query: {},
    resource: 'selfsubjectreviews',
    signal: AbortSignal.timeout(30_000),
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  expect(review).toMatchObject({
    status: {
      userInfo: {
        username: 'jane',
        groups: ['readers', 'böse', 'system:authenticated'],
        extra: { 'example.com/why': ['a', 'b'] },
      },
    },
  });
  using followed = new Followed(kubernetesSource({ access, namespaces: [], now: Date.now, times: TIMES }));
  await until('the refusal', () => followed.last.trouble?.includes('403') === true && followed.last.trouble.includes('"jane"'));
});

describe('inside a pod', () => {
  test('the token and the CA are taken from their files, and again when those change', async () => {
    const folder = dirname(api.caFile);
    await writeFile(join(folder, 'ca.crt'), 'no certificate');
    await writeFile(join(folder, 'token'), api.token('reader'));
    const access = inClusterAccess('127.0.0.1', api.port, folder);
    using followed = new Followed(kubernetesSource({ access, namespaces: [], now: Date.now, times: TIMES }));
    await until('the trouble', () => followed.last.trouble !== undefined);
    expect(followed.last.synced).toBe(false);
    await writeFile(join(folder, 'ca.crt'), await readFile(api.caFile));
    await followed.untilWell();
  });
});

test('a server that goes away leaves its last state in force, and counts again when it is back', async () => {
  await api.apply([service('api')]);
  using followed = await follow('reader');
  await followed.untilNames('service shop/api');
  await followed.untilWell();
  await api.stop();
  const refused = /^the API server https:\/\/127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED [^;]* \(since /;
  await until('the trouble', () => refused.test(followed.last.trouble ?? ''));
  expect(followed.last.synced).toBe(true);
  expect(followed.names).toEqual(['service shop/api']);
  await api.start();
  await followed.untilWell();
  await api.apply([service('web')]);
  await followed.untilNames('service shop/api', 'service shop/web');
});

test('a server whose versions begin anew is followed from there', async () => {
  await api.apply([service('api'), service('gone')]);
  for (let round = 1; round <= 50; round += 1) await api.apply([service('api', round)]);
  using followed = await follow('reader');
  await followed.untilNames('service shop/api', 'service shop/gone');
  await api.wipe();
  await prepare();
  await api.apply([service('api'), service('new')]);
  await followed.untilNames('service shop/api', 'service shop/new');
  await followed.untilWell();
  await api.apply([service('newer')]);
  await followed.untilNames('service shop/api', 'service shop/new', 'service shop/newer');
});
