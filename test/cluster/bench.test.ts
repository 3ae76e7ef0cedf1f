/** The bench itself: real controllers over pods that run, and the ways to them. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
import type { PodObject } from '../support/cluster/pod-objects.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { until } from '../support/until.ts';
import type { Answer } from '../support/world/app-answer.ts';

let cluster: Cluster;
let shop: string;

beforeAll(async () => {
  cluster = await openCluster({ images: (own) => ({ 'shop/api': own.appImage() }) });
  shop = await cluster.namespace('shop');
  await cluster.apply([deployment('1'), service]);
  await cluster.rolledOut(shop, 'api');
});

afterAll(() => cluster[Symbol.asyncDispose]());

function deployment(version: string, replicas = 2, path = '/ready'): KubernetesObject {
  const probe = { httpGet: { path, port: 'http' }, periodSeconds: 1 };
  const container = {
    name: 'main',
    // As pods of a cluster should: those who send requests here learn that it goes before it does.
    lifecycle: { preStop: { sleep: { seconds: 1 } } },
    image: `shop/api:${version}`,
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: probe,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'api', namespace: shop },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'api' } },
      template: { metadata: { labels: { app: 'api' } }, spec: { terminationGracePeriodSeconds: 5, containers: [container] } },
    },
  };
}

const service: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'Service',
  get metadata() {
    return { name: 'api', namespace: shop };
  },
  spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
};

async function ask(url: string): Promise<Answer> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return (await response.json()) as Answer;
}

test('the controllers make pods and EndpointSlices, and a ClusterIP reaches each pod', async () => {
  const pods = await cluster.pods(shop, 'app=api');
  expect(pods).toHaveLength(2);
  const names = new Set<string>();
  await until('both pods to answer', async () => names.add((await ask(`${await serviceUrl()}/hello`)).pod).size === 2);
  expect([...names].sort()).toEqual(pods.map(({ metadata }) => metadata.name).sort());
});

test('a rollout replaces every pod, and no request through the ClusterIP fails', async () => {
  const before = new Set((await cluster.pods(shop, 'app=api')).map(({ metadata }) => metadata.name));
  const url = await serviceUrl();
  let rolling = true;
  let requests = 0;
  const failures: unknown[] = [];
  const load = async (): Promise<void> => {
    while (rolling) {
      requests++;
      await ask(url).catch((error: unknown) => failures.push(error));
    }
  };
  const loads = [load(), load()];
  await cluster.apply([deployment('2')]);
  await cluster.rolledOut(shop, 'api');
  const remain = async (): Promise<readonly PodObject[]> => cluster.pods(shop, 'app=api');
  await until('the old pods to go', async () => (await remain()).every(({ metadata }) => !before.has(metadata.name)));
  rolling = false;
  await Promise.all(loads);
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(100);
  expect((await remain()).map(({ spec }) => spec.containers[0]?.image)).toEqual(['shop/api:2', 'shop/api:2']);
});

test('kubectl forwards ports, shows logs and describes, as far as the user may', async () => {
  const [pod] = await cluster.pods(shop, 'app=api');
  const name = pod?.metadata.name ?? '';
  await using forward = await cluster.portForward(shop, name, 8080);
  for (const path of ['/one', '/two']) expect(await ask(`${forward.url}${path}`)).toMatchObject({ pod: name, path });
  expect(cluster.app(shop, name).asked.map(({ path }) => path)).toContain('/two');
  expect((await cluster.kubectl(['-n', shop, 'logs', name])).stdout).toMatch(/^listens on 10\.77\./);
  expect((await cluster.kubectl(['-n', shop, 'describe', 'deployment', 'api'])).stdout).toContain('2 available');

  const denied = cluster.portForward(shop, name, 8080, { user: 'developer' });
  await expect(denied).rejects.toThrow(/Forbidden/);
  const permitted = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'forward', namespace: shop } };
  const rules = [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create', 'get'] },
  ];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'forward' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'developer' }];
  await cluster.apply([
    { ...permitted, kind: 'Role', rules },
    { ...permitted, kind: 'RoleBinding', roleRef, subjects },
  ]);
  await using own = await cluster.portForward(shop, name, 8080, { user: 'developer' });
  expect(await ask(own.url)).toMatchObject({ pod: name });
});

test('a pod that is deleted ends in good order: it drops out of its EndpointSlice, then it ends, then it is gone', async () => {
  const [pod] = await cluster.pods(shop, 'app=api');
  const name = pod?.metadata.name ?? '';
  const app = cluster.app(shop, name);
  const path = `/api/v1/namespaces/${shop}/pods/${name}`;
  await cluster.request('DELETE', path);
  await until('its endpoint to be terminating', async () => (await conditionsOf(name))?.terminating);
  // It still answers, for those who do not know yet.
  expect((await ask(`http://${app.address}/`)).pod).toBe(name);
  await until('the pod to be gone', async () => (await cluster.pods(shop)).every(({ metadata }) => metadata.name !== name));
  await expect(knock(app.address)).rejects.toThrow(/ECONNREFUSED/);
  expect(await conditionsOf(name)).toBeUndefined();
  await cluster.rolledOut(shop, 'api');
});

test('a pod that fails its probe takes no place in a rollout, and no requests', async () => {
  await cluster.apply([deployment('3', 2, '/ready?code=500')]);
  const news = async (): Promise<readonly PodObject[]> => {
    const pods = await cluster.pods(shop, 'app=api');
    return pods.filter(({ spec, status }) => spec.containers[0]?.image === 'shop/api:3' && status?.phase === 'Running');
  };
  const [pod] = await until('a pod of the new template to run', async () => ((await news()).length > 0 ? news() : undefined));
  const name = pod?.metadata.name ?? '';
  const conditions = await until('its endpoint', () => conditionsOf(name));
  expect(conditions).toMatchObject({ ready: false });
  await expect(cluster.rolledOut(shop, 'api', 300)).rejects.toThrow(/to be rolled out/);
  for (let turn = 0; turn < 6; turn++) expect((await ask(await serviceUrl())).pod).not.toBe(name);
});

test('an image that the test does not have is one that cannot be pulled', async () => {
  const spec = { containers: [{ name: 'main', image: 'elsewhere/api:1' }] };
  await cluster.apply([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stray', namespace: shop }, spec }]);
  const shown = async (): Promise<string> => (await cluster.kubectl(['-n', shop, 'get', 'pod', 'stray', '--no-headers'])).stdout;
  await until('kubectl to say so', async () => (await shown()).includes('ImagePullBackOff'));
});

test('what a deleted Deployment owned goes with it', async () => {
  await cluster.request('DELETE', `/apis/apps/v1/namespaces/${shop}/deployments/api`, { propagationPolicy: 'Foreground' });
  await until('its pods to be gone', async () => (await cluster.pods(shop, 'app=api')).length === 0, 30_000);
  await expect(ask(await serviceUrl())).rejects.toThrow();
});

interface Conditions {
  readonly ready: boolean;
  readonly terminating: boolean;
}

/** Of a pod's endpoint; undefined when it has none. */
async function conditionsOf(pod: string): Promise<Conditions | undefined> {
  interface Slices {
    readonly items: readonly { readonly endpoints: readonly { targetRef: { name: string }; conditions: Conditions }[] | null }[];
  }
  const path = `/apis/discovery.k8s.io/v1/namespaces/${shop}/endpointslices?labelSelector=kubernetes.io/service-name=api`;
  const { items } = await cluster.request<Slices>('GET', path);
  return items.flatMap(({ endpoints }) => endpoints ?? []).find(({ targetRef }) => targetRef.name === pod)?.conditions;
}

async function serviceUrl(): Promise<string> {
  const path = `/api/v1/namespaces/${shop}/services/api`;
  const { spec } = await cluster.request<{ spec: { clusterIP: string } }>('GET', path);
  return `http://${spec.clusterIP}`;
}

function knock(address: string): Promise<void> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port) }, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}
