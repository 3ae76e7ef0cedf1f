/**
 * The chart with its webhooks, as it is installed: the API server calls them by their Service, pods get real sidecars whose
 * init step captures their traffic, and a preview is reached by a call that an app makes as it always did.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHART } from '../../tools/kubernetes/chart.ts';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
import type { PodObject } from '../support/cluster/pod-objects.ts';
import { detourImage, envoyImage } from '../support/cluster/program-image.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { until } from '../support/until.ts';
import { ask, pathOf, type Reply, servedBy } from '../support/world/client.ts';

const SIDECARS = ['detour-capture', 'detour-sidecar'];
const PATIENCE_MS = 90_000;

let cluster: Cluster;
let system = '';
let shop: string;

beforeAll(async () => {
  cluster = await openCluster({
    images: (own) => ({
      detour: detourImage(),
      'envoyproxy/envoy': envoyImage(),
      'shop/api': own.appImage({ service: 'api' }),
      'shop/frontend': own.appImage({ service: 'frontend', links: { api: 'api' } }),
    }),
  });
  system = await cluster.namespace('detour');
  shop = await cluster.namespace('shop', { labels: { 'detour.dev/inject': 'true' } });
  // A busy machine may take more than the three seconds after which the API server goes on without.
  const webhooks = ['--set', 'webhooks.enabled=true,webhooks.validate=true,webhooks.timeoutSeconds=10'];
  // Of the cluster that other tests use too, only this namespace is its own; sidecars show tokens all the same.
  const values = [...webhooks, '--set', 'gateway.enabled=false,controlPlane.replicas=1,tls.tokens=on'];
  const installed = await cluster.helm([
    'install',
    'detour',
    CHART,
    '-n',
    system,
    ...values,
    '--set',
    `watchNamespaces={${shop}}`,
  ]);
  if (installed.code !== 0) throw new Error(installed.stderr);
  await cluster.rolledOut(system, 'detour');
}, 180_000);

afterAll(async () => {
  // What is of the whole cluster goes; the namespaces go with it.
  if (system !== '') await cluster.helm(['uninstall', 'detour', '-n', system]);
  await cluster?.[Symbol.asyncDispose]();
});

function deployment(name: string, image: string, labels: object = {}, annotations: object = {}): KubernetesObject {
  const own = { app: name, ...labels };
  const container = {
    name: 'app',
    image,
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 5 },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: shop },
    spec: {
      selector: { matchLabels: own },
      template: { metadata: { labels: own, annotations }, spec: { terminationGracePeriodSeconds: 5, containers: [container] } },
    },
  };
}

function service(name: string): KubernetesObject {
  const ports = [{ name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: shop }, spec: { selector: { app: name }, ports } };
}

const sidecarsOf = ({ spec }: PodObject): readonly string[] => (spec.initContainers ?? []).map(({ name }) => name);

async function onlyPod(app: string): Promise<PodObject> {
  const [pod, ...others] = await cluster.pods(shop, `app=${app}`);
  if (pod === undefined || others.length > 0) throw new Error(`${others.length + 1} pods of ${app}`);
  return pod;
}

test('apps that know of nothing have sidecars, and what one calls of another is a preview for those who carry its key', async () => {
  await cluster.apply([service('api'), service('frontend')]);
  await cluster.apply([deployment('api', 'shop/api:1'), deployment('frontend', 'shop/frontend:1')]);
  for (const name of ['api', 'frontend']) await cluster.rolledOut(shop, name);
  const pods = await Promise.all(['api', 'frontend'].map(onlyPod));
  expect(pods.map(sidecarsOf)).toEqual([SIDECARS, SIDECARS]);
  // They say whose they are, and are believed.
  expect(pods.map(({ spec }) => spec.volumes?.some(({ name }) => name === 'detour-token'))).toEqual([true, true]);

  const address = String((pods[1]?.status as { podIP?: string } | undefined)?.podIP);
  const call = (headers: Readonly<Record<string, string>>): Promise<Reply> => ask(8080, { path: '/api/', headers }, address);
  expect(pathOf(await call({ 'x-detour': 'pr-42' }))).toBe('baseline > baseline');
  const labels = { 'detour.dev/preview': 'pr-42' };
  await cluster.apply([deployment('api-pr-42', 'shop/api:2', labels, { 'detour.dev/intercept': 'api' })]);
  await cluster.rolledOut(shop, 'api-pr-42');
  expect(sidecarsOf(await onlyPod('api-pr-42'))).toEqual(SIDECARS);
  const reply = await until(
    'the preview to be reached',
    async () => {
      const each = await call({ baggage: 'detour=pr-42' });
      if (pathOf(each) !== 'baseline > pr-42') throw new Error(`went by ${pathOf(each)}`);
      return each;
    },
    PATIENCE_MS,
  );
  expect(reply.status).toBe(200);
  expect(pathOf(await call({}))).toBe('baseline > baseline');
  expect(servedBy(await call({}))).toBeUndefined();
}, 240_000);

test('a mistake is refused at `kubectl apply`, by the name of its problem', async () => {
  const input = JSON.stringify(
    deployment('wrong', 'shop/api:1', { 'detour.dev/preview': 'PR_42' }, { 'detour.dev/intercept': 'api' }),
  );
  const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], { input });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining(`denied the request: InvalidKey: Deployment ${shop}/wrong: the label`),
  });
});

test('without the control plane pods are made all the same', async () => {
  await cluster.kubectl(['-n', system, 'scale', 'deployment', 'detour', '--replicas', '0']);
  await until('its pods to be gone', async () => (await cluster.pods(system)).length === 0, PATIENCE_MS);
  await cluster.apply([deployment('late', 'shop/api:1')]);
  await cluster.rolledOut(shop, 'late');
  expect(sidecarsOf(await onlyPod('late'))).toEqual([]);
  // Those that have a sidecar come up, too: a template that `detour inject` has been at, say.
  const { spec, metadata } = await onlyPod('api');
  const again = { name: 'again', namespace: shop, labels: { app: 'again' }, annotations: metadata.annotations };
  const { nodeName: _, ...rest } = spec;
  await cluster.apply([{ apiVersion: 'v1', kind: 'Pod', metadata: again, spec: rest }]);
  await until('it to run', async () => (await onlyPod('again')).status?.phase === 'Running', PATIENCE_MS);
}, 240_000);
