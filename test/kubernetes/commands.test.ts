/** The commands on a real API server, and two replicas of the control plane that are reached by --server. */
import { expect, test } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import type { Io } from '../../src/cli/command.ts';
import { run } from '../../src/cli/main.ts';
import { readConfig } from '../../src/config.ts';
import type { Logger } from '../../src/logger.ts';
import { AdsClient } from '../support/ads-client.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { until } from '../support/until.ts';

const LOG: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const metadata = (name: string) => ({ name, namespace: 'shop' });
const containers = [{ name: 'main', image: 'registry/api:1', ports: [{ name: 'http', containerPort: 8080 }] }];

const SHOP: readonly KubernetesObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata('api'), annotations: { 'detour.dev/host': 'shop.example.com' } },
    spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata('api'),
    spec: { selector: { matchLabels: { app: 'api' } }, template: { metadata: { labels: { app: 'api' } }, spec: { containers } } },
  },
];

interface Copy extends KubernetesObject {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly template: { readonly metadata: { readonly labels: object; readonly annotations: object } } };
}

/** What the controllers and a kubelet would do of the preview. */
async function bringUp(api: ApiServer, name: string, ip: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/shop/deployments/${name}`;
  const copy = await until('the preview', () => api.request<Copy>('GET', path));
  const conditions = [{ type: 'Ready', status: 'True' }];
  const pod = { ...copy.spec.template, apiVersion: 'v1', kind: 'Pod' };
  await api.apply([
    {
      ...pod,
      metadata: {
        ...metadata(`${name}-5d4f8c7b9-abcde`),
        labels: { ...copy.spec.template.metadata.labels, 'pod-template-hash': '5d4f8c7b9' },
        annotations: copy.spec.template.metadata.annotations,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-5d4f8c7b9`, uid: 'u', controller: true }],
      },
      spec: { containers, nodeName: 'node-1' },
      status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions },
    },
  ]);
  const { generation } = copy.metadata;
  const status = { observedGeneration: generation, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  await api.apply([{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(name), status }]);
}

async function startReplica(api: ApiServer): Promise<App> {
  const where = ['--source', 'kubernetes', '--kubeconfig', await api.kubeconfigFile()];
  const { config } = readConfig([...where, '--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'], {});
  if (config === undefined) throw new Error('the flags are right');
  return startApp(config, { log: LOG, version: '1.2.3' });
}

test('create waits for its pods, for both replicas and for every Envoy; what it made is what delete removes', async () => {
  await using api = await startApiServer();
  await api.apply(SHOP);
  await using first = await startReplica(api);
  await using second = await startReplica(api);
  const detail = { node: 'gateway~shop/edge', detour: { listen: '127.0.0.1:8080' } };
  using _one = new AdsClient({ port: first.xds.port, ...detail });
  using _two = new AdsClient({ port: second.xds.port, ...detail, node: 'gateway~shop/other' });
  const server = [first, second].map(({ admin }) => `http://127.0.0.1:${admin.port}`).join(',');
  const kubeconfig = await api.kubeconfigFile();
  const detour = async (...args: readonly string[]) => {
    const said = { out: '', err: '' };
    const io: Io = {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
      environment: { DETOUR_SERVER: server },
    };
    return { code: await run([...args, '--kubeconfig', kubeconfig, '-n', 'shop'], io), ...said };
  };

  const dry = await detour('create', 'api', '--key', 'pr-1', '--dry-run', '-o', 'json');
  expect(JSON.parse(dry.out)).toMatchObject({ kind: 'Deployment', metadata: { name: 'api-pr-1', namespace: 'shop' } });
  const named = await detour('create', 'api', '--key', 'pr-1', '--dry-run', '-o', 'name');
  expect(named).toEqual({ code: 0, out: 'deployment/api-pr-1\n', err: '' });
  const creating = detour('create', 'api', '--key', 'pr-1', '--ttl', '72h', '--timeout', '40s');
  await bringUp(api, 'api-pr-1', '10.1.0.9');
  const created = await creating;
  expect(created.err).toContain('Deployment shop/api-pr-1 created\nwaiting: ');
  expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^pr-1 is live on 2 of 2 Envoys\.\n/) });
  expect((await detour('list')).out).toMatch(
    /\npr-1 +api-pr-1 +api:80 +live +2\/2 +\S+ +in \S+ +http:\/\/pr-1--shop\.example\.com\/ /,
  );

  // A replica that is away is one that does not answer: who lists is told, who waits waits.
  await second.stop();
  const late = await detour('wait', 'pr-1', '--timeout', '1s');
  expect(late).toMatchObject({ code: 3, out: '', err: expect.stringContaining('waiting: no answer from http://127.0.0.1:') });
  expect(await detour('list')).toMatchObject({ code: 0, err: expect.stringContaining('detour list: no answer from') });

  const wrong = await detour('create', 'web', '--key', 'pr-1');
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('there is no Service web in namespace shop: it has api') });
  expect(await detour('create', 'api', '--key', 'not--a-key')).toMatchObject({ code: 2 });
  expect(await detour('delete', 'pr-1', '--no-wait', '-o', 'name')).toMatchObject({ code: 0, out: 'deployment/api-pr-1\n' });
  const gone = api.request('GET', '/apis/apps/v1/namespaces/shop/deployments/api-pr-1');
  await expect(gone).rejects.toThrow('NotFound');
  expect((await api.request('GET', '/apis/apps/v1/namespaces/shop/deployments/api')).metadata.name).toBe('api');
}, 120_000);
