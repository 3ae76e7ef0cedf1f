/** The bench itself: real controllers over pods that run, and the ways to them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
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

function deployment(version: string, replicas = 2): KubernetesObject {
  const probe = { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1 };
  const container = {
    name: 'main',
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
  const { spec } = await cluster.request<{ spec: { clusterIP: string } }>('GET', `/api/v1/namespaces/${shop}/services/api`);
  const names = new Set<string>();
  await until('both pods to answer', async () => names.add((await ask(`http://${spec.clusterIP}/hello`)).pod).size === 2);
  expect([...names].sort()).toEqual(pods.map(({ metadata }) => metadata.name).sort());
});
