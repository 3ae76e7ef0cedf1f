/** What the manifests and the chart make, applied to a real API server, and the control plane with the account of them. */

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Logger } from '../../src/logger.ts';
import { CHART, MANIFESTS, manifestFile } from '../../tools/kubernetes/chart.ts';
import { AdsClient } from '../support/ads-client.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { chartObjects, helmProgram, objectsOf, theObject } from '../support/kubernetes/chart.ts';
import { MountedSecret } from '../support/mounted-secret.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

const SERVICE_MONITORS: KubernetesObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors', singular: 'servicemonitor', listKind: 'ServiceMonitorList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
}, 90_000);
afterAll(() => api[Symbol.asyncDispose]());

function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** The pod that a controller would make of it. */
function podOf(deployment: KubernetesObject, suffix = ''): KubernetesObject {
  const { template } = deployment['spec'] as { readonly template: { readonly metadata: object; readonly spec: object } };
  const { name, namespace: inNamespace = '' } = deployment.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: `${name}-1${suffix}`, namespace: inNamespace },
    spec: template.spec,
  };
}

describe.each(Object.keys(MANIFESTS))('%s', (path) => {
  const objects = objectsOf(readFileSync(manifestFile(path), 'utf8'));

  test('is applied as it stands, twice, and its pods are allowed where pod security is restricted', async () => {
    await api.apply([namespace('shop')]);
    await api.apply(objects);
    await api.apply(objects);
    const deployments = objects.filter(({ kind }) => kind === 'Deployment');
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual(['detour', 'detour-gateway']);
    const pods = deployments.map((deployment) => podOf(deployment));
    await api.apply(pods);
    await api.delete([...pods, ...objects.filter(({ kind }) => kind !== 'Namespace')]);
  });
});

test('a namespace with restricted pod security refuses a pod that could become root', async () => {
  await api.apply([namespace('strict', { 'pod-security.kubernetes.io/enforce': 'restricted' })]);
  const deployment = theObject(await chartObjects('--namespace', 'strict'), 'Deployment', 'detour');
  const pod = podOf(deployment, '-bad');
  const spec = pod['spec'] as { readonly securityContext: object };
  const bad = { ...pod, spec: { ...spec, securityContext: { ...spec.securityContext, runAsNonRoot: false } } };
  await expect(api.apply([bad])).rejects.toThrow(/violates PodSecurity "restricted:latest": runAsNonRoot != true/);
});

describe('the chart', () => {
  test.each([
    ['everything', '--set', 'networkPolicy.enabled=true,serviceMonitor.enabled=true,dashboard.enabled=true'],
    [
      'what is set on pods',
      '--set-json',
      'controlPlane={"nodeSelector":{"disk":"ssd"},"tolerations":[{"operator":"Exists"}],"podAnnotations":{"team":"edge"}}',
    ],
    ['affinity', '--set-json', 'gateway.affinity={"nodeAffinity":{}}', '--set-json', 'controlPlane.affinity={"nodeAffinity":{}}'],
    [
      'users',
      '--set-json',
      'users.subjects=[{"kind":"Group","name":"dev"},{"kind":"ServiceAccount","name":"ci","namespace":"ci"},{"kind":"User","name":"ann@example.com"}]',
    ],
    [
      'metrics for Prometheus only',
      '--set',
      'networkPolicy.enabled=true',
      '--set-json',
      'networkPolicy.metricsFrom=[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}}]',
    ],
    ['no gateway', '--set', 'gateway.enabled=false,networkPolicy.enabled=true,users.create=false'],
    ['one of each', '--set', 'gateway.replicas=1,controlPlane.replicas=1'],
    [
      'a load balancer',
      '--set',
      'gateway.service.type=LoadBalancer',
      '--set-string',
      'gateway.service.annotations.internal=true',
    ],
    ['images by digest', '--set', `image.digest=sha256:${'a'.repeat(64)}`, '--set', 'imagePullSecrets[0].name=registry'],
    ['some namespaces', '--set', 'watchNamespaces={shop,payments},deleteExpired=false,plaintext=true'],
    ['certificates', '--set', 'tls.tokens=off,tls.secretName=own,tls.clientCaSecret=clients,gateway.certificateSecret=edge'],
    [
      'TLS at the edge',
      '--set',
      'gateway.tls={shop,wildcard.example},gateway.trustedHops=1,networkPolicy.enabled=true,gateway.service.type=LoadBalancer',
    ],
    ['TLS alone at the edge', '--set', 'gateway.tls={shop},gateway.http=none,networkPolicy.enabled=true'],
    ['webhooks', '--set', 'webhooks.enabled=true,webhooks.validate=true,networkPolicy.enabled=true'],
  ])('is applied with %s', async (_, ...args) => {
    await api.apply([
      namespace('detour-system', { 'pod-security.kubernetes.io/enforce': 'restricted' }),
      namespace('shop'),
      namespace('payments'),
    ]);
    await api.apply([SERVICE_MONITORS]);
    const objects = await chartObjects(...args);
    // A new kind is known a moment after its definition.
    const monitors = objects.filter(({ kind }) => kind === 'ServiceMonitor');
    for (const monitor of monitors) await until('the kind ServiceMonitor', async () => (await api.apply([monitor])).length === 1);
    await api.apply(objects.filter((each) => !monitors.includes(each)));
    const pods = objects.filter(({ kind }) => kind === 'Deployment').map((deployment) => podOf(deployment));
    await api.apply(pods);
    await api.delete([...pods, ...objects]);
  });
});

test('helm installs, upgrades and removes it, says how to a first request, and leaves nothing behind', async () => {
  const helm = await helmProgram();
  const kubeconfig = await api.kubeconfigFile();
  const where = ['--namespace', 'by-helm', '--kubeconfig', kubeconfig];
  const { stdout } = await run(helm, ['install', 'detour', CHART, '--create-namespace', ...where]);
  expect(stdout).toContain('kubectl -n by-helm rollout status deployment/detour ');
  expect(stdout).toContain("curl -H 'Host: shop.example.com' -H 'x-detour: pr-1' -i http://127.0.0.1:8080/");
  const one = await run(helm, ['upgrade', 'detour', CHART, '--set', 'gateway.enabled=false', ...where]);
  expect(one.stdout).toContain('detour envoy --role gateway --node by-helm/edge --xds detour.by-helm:18000');
  const deployments = async () => {
    const list = await api.request<{ items: readonly KubernetesObject[] }>('GET', '/apis/apps/v1/namespaces/by-helm/deployments');
    return list.items.map(({ metadata }) => metadata.name);
  };
  expect(await deployments()).toEqual(['detour']);
  await run(helm, ['uninstall', 'detour', ...where]);
  expect(await deployments()).toEqual([]);
  const roles = await api.request<{ items: readonly KubernetesObject[] }>(
    'GET',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  );
  expect(roles.items.filter(({ metadata }) => metadata.name === 'detour:by-helm')).toEqual([]);
}, 90_000);

test('helm keeps the certificate of the webhooks, which is for the name that the API server calls, and takes it away', async () => {
  const helm = await helmProgram();
  const where = ['--namespace', 'with-webhooks', '--kubeconfig', await api.kubeconfigFile()];
  const webhooks = ['--set', 'webhooks.enabled=true,webhooks.validate=true'];
  await run(helm, ['install', 'detour', CHART, '--create-namespace', ...where, ...webhooks]);
  const secret = '/api/v1/namespaces/with-webhooks/secrets/detour-webhooks';
  const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const read = async () => {
    const { data } = await api.request<{ data: Readonly<Record<string, string>> }>('GET', secret);
    const { webhooks: hooks } = await api.request<{ webhooks: readonly { clientConfig: { caBundle: string } }[] }>(
      'GET',
      `${configurations}/detour-with-webhooks`,
    );
    return { data, bundles: new Set(hooks.map(({ clientConfig }) => clientConfig.caBundle)) };
  };
  const first = await read();
  const [certificate, authority] = ['tls.crt', 'ca.crt'].map(
    (name) => new X509Certificate(Buffer.from(first.data[name] ?? '', 'base64')),
  );
  if (certificate === undefined || authority === undefined) throw new Error('there are two');
  expect(certificate.checkHost('detour.with-webhooks.svc')).toBe('detour.with-webhooks.svc');
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(first.bundles).toEqual(new Set([first.data['ca.crt']]));
  await run(helm, ['upgrade', 'detour', CHART, '--set', 'controlPlane.replicas=1', ...where, ...webhooks]);
  expect(await read()).toEqual(first);
  await run(helm, ['uninstall', 'detour', ...where]);
  const { items } = await api.request<{ items: readonly KubernetesObject[] }>('GET', configurations);
  expect(items.map(({ metadata }) => metadata.name)).not.toContain('detour-with-webhooks');
}, 90_000);

describe('the control plane with the account of the installation', () => {
  const LOG: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

  test.each([
    ['for all namespaces', 'system-1', 'web-1', []],
    ['for one namespace', 'system-2', 'web-2', ['--set', 'watchNamespaces={web-2},tls.tokens=on']],
  ])(
    '%s: serves, leads, writes Events and deletes what has expired',
    async (_, system, web, values) => {
      await api.apply([namespace(system), namespace(web)]);
      const objects = await chartObjects('--namespace', system, ...values);
      await api.apply(objects);
      await api.apply([...shop(web)]);
      const token = await api.serviceAccountToken(system, 'detour');
      const kubeconfig = await api.kubeconfigFile(`detour-${system}`, token);
      const { template } = theObject(objects, 'Deployment', 'detour')['spec'] as {
        template: { spec: { containers: [{ args: string[] }] } };
      };
      // What the Deployment says, where the pod's own account and addresses are not to be had.
      const secret = theObject(objects, 'Secret', 'detour-tls')['data'] as Readonly<Record<string, string>>;
      const files = Object.entries(secret).map(([name, text]) => [name, Buffer.from(text, 'base64').toString()] as const);
      await using mount = await MountedSecret.mount(Object.fromEntries(files));
      const args = template.spec.containers[0].args
        .slice(1)
        .map((each) => each.replace(/^(0\.0\.0\.0|127\.0\.0\.1):.*/, '127.0.0.1:0').replace('/etc/detour/tls', mount.folder));
      const { config, mistakes } = readConfig([...args, '--kubeconfig', kubeconfig], {
        POD_NAMESPACE: system,
        DETOUR_DRAIN_TIME: '0',
      });
      expect(mistakes).toEqual([]);
      if (config === undefined) return;
      await using app = await startApp(config, { log: LOG, version: '1.2.3' });
      const get = async (path: string) => (await fetch(`http://127.0.0.1:${app.admin.port}${path}`)).text();

      await until('it to be ready', async () => (await get('/readyz')) === 'ok\n');
      expect(await get('/api/intercepts')).toContain('"10.1.0.9:8080"');
      const account = theObject(objects, 'Deployment', 'detour-gateway')['spec'] as {
        template: { spec: { serviceAccountName: string } };
      };
      const { serviceAccountName } = account.template.spec;
      using gateway = new AdsClient({
        port: app.xds.port,
        node: `gateway~${system}/edge`,
        detour: { listen: '127.0.0.1:8080' },
        tls: { ca: Object.fromEntries(files)['ca.crt'] ?? '', serverName: `detour.${system}` },
        token: await api.serviceAccountToken(system, serviceAccountName, { audience: 'detour' }),
      });
      await until('the gateway to be let in', () => gateway.responses.length > 0 || gateway.end !== undefined);
      expect(gateway.end).toBeUndefined();
      await until('it to lead', async () => (await get('/readyz?verbose')).includes('[+] status: this replica leads\n'));
      const { items } = await until('the Event', async () => {
        const list = await api.request<{ items: readonly EventObject[] }>('GET', `/api/v1/namespaces/${web}/events`);
        return list.items.some(({ reason }) => reason === 'UnknownAnnotation') && list;
      });
      const told = items.find(({ reason }) => reason === 'UnknownAnnotation');
      expect(told?.involvedObject).toMatchObject({ kind: 'Deployment', name: 'api-pr-1', uid: expect.any(String) });
      const expired = `/apis/apps/v1/namespaces/${web}/deployments/old`;
      await until('the expired one to be gone', () =>
        api.request('GET', expired).then(
          () => false,
          (error: unknown) => String(error).includes('404'),
        ),
      );
      // Nothing was denied on the way.
      expect(await get('/readyz?verbose')).toContain('[+] status: this replica leads\n');
    },
    90_000,
  );
});

interface EventObject {
  readonly reason: string;
  readonly involvedObject: object;
}

/** A Service, a preview of it with a mistake, and one that has expired. */
function shop(inNamespace: string): readonly KubernetesObject[] {
  const containers = [{ name: 'main', image: 'shop' }];
  const deployment = (name: string, labels: object, annotations: object): KubernetesObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: inNamespace, labels, annotations },
    spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers } } },
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api', namespace: inNamespace },
      spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    deployment('api-pr-1', {}, {}),
    deployment(
      'old',
      { 'app.kubernetes.io/managed-by': 'detour', 'detour.dev/preview': 'pr-0' },
      { 'detour.dev/expires': '2026-01-01T00:00:00Z', 'detour.dev/delete-when-expired': 'true' },
    ),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'api-pr-1-7d4b9c6f5-x2x2x',
        namespace: inNamespace,
        labels: { 'detour.dev/preview': 'pr-1', 'pod-template-hash': '7d4b9c6f5' },
        annotations: { 'detour.dev/intercept': 'api', 'detour.dev/matches': 'x' },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'ReplicaSet',
            name: 'api-pr-1-7d4b9c6f5',
            uid: '9b0f7a34-0000-4000-8000-000000000001',
            controller: true,
          },
        ],
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
}
