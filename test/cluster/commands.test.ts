/** The commands of developers, with a developer's rights, on a real cluster: everything goes through the API server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { run } from '../../src/cli/main.ts';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
import type { PodSpec } from '../support/cluster/pod-objects.ts';
import { detourImage, envoyImage } from '../support/cluster/program-image.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { until } from '../support/until.ts';
import type { Answer } from '../support/world/app-answer.ts';

const RBAC = 'rbac.authorization.k8s.io';
const SYSTEM = 'detour-system';
const HOST = 'shop.example.com';
const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let cluster: Cluster;
let shop: string;
let kubeconfig: string;

beforeAll(async () => {
  cluster = await openCluster({
    images: (own) => ({ 'shop/api': own.appImage(), detour: detourImage(), 'envoyproxy/envoy': envoyImage() }),
  });
  const system = await cluster.namespace(SYSTEM, { exact: true });
  const manifest = await readFile(new URL('../../k8s/detour.yaml', import.meta.url), 'utf8');
  expect(await cluster.kubectl(['apply', '-f', '-'], { input: manifest })).toMatchObject({ code: 0 });
  shop = await cluster.namespace('shop');
  await cluster.apply([...baseline(), ...rights()]);
  await cluster.rolledOut(system, 'detour');
  await cluster.rolledOut(system, 'detour-gateway');
  await cluster.rolledOut(shop, 'api');
  kubeconfig = await cluster.kubeconfigFile('developer');
}, 240_000);

afterAll(() => cluster[Symbol.asyncDispose]());

function workload(name: string, labels: object, annotations: object = {}): KubernetesObject {
  const readinessProbe = { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1 };
  const container = { name: 'main', image: 'shop/api:1', ports: [{ name: 'http', containerPort: 8080 }], readinessProbe };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: shop },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { terminationGracePeriodSeconds: 2, containers: [container] } },
    },
  };
}

function baseline(): readonly KubernetesObject[] {
  const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
  const metadata = { name: 'api', namespace: shop, annotations: { 'detour.dev/host': HOST } };
  return [
    workload('api', { app: 'api' }),
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'api' }, ports } },
  ];
}

/** What the documentation says that a developer needs. */
function rights(): readonly KubernetesObject[] {
  const rules = [
    { apiGroups: [''], resources: ['services', 'pods'], verbs: ['get', 'list'] },
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'statefulsets'],
      verbs: ['get', 'list', 'create', 'patch', 'delete'],
    },
    { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get', 'list'] },
  ];
  const subjects = [{ apiGroup: RBAC, kind: 'User', name: 'developer' }];
  const bind = (namespace: string, name: string): KubernetesObject => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: `${name}-developer`, namespace },
    roleRef: { apiGroup: RBAC, kind: 'Role', name },
    subjects,
  });
  const role = { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name: 'previews', namespace: shop }, rules };
  return [role, bind(shop, 'previews'), bind(SYSTEM, 'detour-user')];
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** In namespace shop, unless told otherwise. */
async function detour(...args: readonly string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    environment: {},
  };
  return { code: await run([...args, '--kubeconfig', kubeconfig, ...(args.includes('-n') ? [] : ['-n', shop])], io), out, err };
}

/** By a gateway, as a browser would. */
async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const pods = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=app.kubernetes.io/component=gateway`;
  const { items } = await cluster.request<{ items: { status: { podIP: string } }[] }>('GET', pods);
  const { host, pathname } = new URL(url);
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const options = { host: items[0]?.status.podIP, port: 8080, path: pathname, headers: { ...headers, host }, agent: false };
    const sent = request(options, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
      try {
        // What the app of the tests answers.
        resolve(JSON.parse(text) as Answer);
      } catch {
        reject(new Error(`${response.statusCode} ${text}`));
      }
    });
    sent.on('error', reject).end();
  });
}

test('create, see, change and delete a preview: live when the command says so, gone when it says so', async () => {
  const url = `http://pr-1--${HOST}/`;
  const created = await detour('create', 'api', '--key', 'pr-1', '--image', 'shop/api:2');
  expect(created.err).toContain(`Deployment ${shop}/api-pr-1 created\n`);
  expect(created).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^pr-1 is live on (\d) of \1 Envoys\.\n/),
  });
  expect(created.out.split('\n').slice(1)).toEqual([`  ${url}`, `  curl -H 'x-detour: pr-1' http://${HOST}/`, '']);
  expect(await ask(url)).toMatchObject({ copy: 'pr-1' });
  expect(await ask(`http://${HOST}/`, { 'x-detour': 'pr-1' })).toMatchObject({ copy: 'pr-1' });
  expect(await ask(`http://${HOST}/`)).toMatchObject({ copy: 'baseline' });

  const listed = await detour('list');
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out.split('\n')[1]?.split(/ {2,}/)).toEqual([
    ...[
      'pr-1',
      'api-pr-1',
      'api:80',
      'live',
      expect.stringMatching(/^(\d)\/\1$/),
      expect.stringMatching(/^\d+[ms]/),
      '-',
      url,
      '-',
    ],
  ]);
  const explained = await detour('explain', '--to', `http://${HOST}/`, '--header', 'x-detour: pr-1');
  expect(explained.out).toContain(`It is sent to preview pr-1 (Deployment ${shop}/api-pr-1), by its key.`);
  expect(explained.out).toMatch(/^(\d) of \1 connected Envoys have it so\.$/m);

  const { out: wide } = await detour('explain', '--to', `http://${HOST}/`, '--header', 'x-detour: pr-1', '-o', 'wide');
  expect(wide).toMatch(/(\d) of \1 connected Envoys have it so\.\n( {2}gateway~detour-system\/\S+ has it\n)+$/);

  const before = (await ask(url)).pod;
  const changed = await detour('create', 'api', '--key', 'pr-1', '--image', 'shop/api:2', '--env', 'LEVEL=debug', '-o', 'json');
  expect(changed.err).toContain(`Deployment ${shop}/api-pr-1 changed\n`);
  expect(JSON.parse(changed.out)).toMatchObject({ key: 'pr-1', live: true, urls: [url], workload: { name: 'api-pr-1' } });
  const after = await ask(url);
  expect(after.copy).toBe('pr-1');
  expect(after.pod).not.toBe(before);
  expect(await detour('wait', 'pr-1')).toMatchObject({
    code: 0,
    out: expect.stringContaining(`pr-1 is live for ${shop}/api:80: on `),
  });

  expect((await detour('wait', 'pr-1', '-o', 'wide')).out).toMatch(/ Envoys\n( {2}gateway~detour-system\/\S+ has it\n)+$/);

  const deleted = await detour('delete', 'pr-1');
  expect(deleted).toMatchObject({ code: 0, out: `Deployment ${shop}/api-pr-1 deleted\n` });
  expect((await detour('list')).out).toBe(`There are no previews in namespace ${shop}; -A lists those of all.\n`);
  await expect(ask(url)).rejects.toThrow(/^404 /);
  expect(await ask(`http://${HOST}/`, { 'x-detour': 'pr-1' })).toMatchObject({ copy: 'baseline' });
  expect(await detour('delete', 'pr-1')).toMatchObject({ code: 1 });
  expect(await detour('delete', 'pr-1', '--ignore-not-found')).toMatchObject({ code: 0, out: '', err: '' });
}, 240_000);

test('kubectl runs them as its plugin, with its own kubeconfig', async () => {
  const environment = { PATH: [BIN, process.env['PATH']].join(delimiter) };
  const plugin = (...args: readonly string[]) => cluster.kubectl(['detour', ...args, '-n', shop], { kubeconfig, environment });
  expect(await plugin('create', 'api', '--key', 'pr-6', '--no-wait', '-o', 'name')).toMatchObject({
    code: 0,
    stdout: 'deployment/api-pr-6\n',
  });
  expect(await plugin('wait', 'pr-6')).toMatchObject({ code: 0, stdout: expect.stringContaining('pr-6 is live for ') });
  expect(await plugin('delete', 'pr-6', '--no-wait')).toMatchObject({ code: 0 });
  const again = await plugin('delete', 'pr-6');
  expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^kubectl detour delete: /) });
}, 60_000);

test('a mistake that can be seen beforehand makes nothing', async () => {
  expect(await detour('create', 'api:99', '--key', 'pr-9')).toEqual({
    code: 1,
    out: '',
    err: `detour create: Service ${shop}/api has no port 99. It has 80:http.\n`,
  });
  const elsewhere = await detour('create', 'api', '--key', 'pr-9', '-n', 'elsewhere');
  expect(elsewhere).toMatchObject({ code: 1, out: '' });
  expect(elsewhere.err).toMatch(
    /cannot list services in namespace elsewhere: 403 .*"developer".* Is that the namespace \(-n NAME\)/,
  );
});

test('pods that do not come up end the wait, with their reason', async () => {
  const said = await detour('create', 'api', '--key', 'pr-2', '--image', 'nowhere/api:2', '--timeout', '2m');
  expect(said).toMatchObject({ code: 1, out: '' });
  expect(said.err).toMatch(
    /detour create: Deployment .*api-pr-2 does not come up: pod api-pr-2-.*, container main: ImagePullBackOff/,
  );
  expect(said.err).toMatch(/`kubectl -n .* describe pod api-pr-2-.*` says more\.\nThe preview stays: .*detour delete pr-2/);
  const waited = await detour('wait', 'pr-2');
  expect(waited).toMatchObject({ code: 1, out: '' });
  expect(waited.err).toMatch(/^waiting: Deployment .*api-pr-2: pod .*: ImagePullBackOff/);
  expect(waited.err).toMatch(/detour wait: Deployment .*api-pr-2 does not come up: pod .* says more\.\n$/);
  expect(await detour('delete', 'pr-2', '--no-wait')).toMatchObject({ code: 0 });
}, 120_000);

test('what create did not make is neither changed nor deleted', async () => {
  const marks = { app: 'by-hand', 'detour.dev/preview': 'pr-3' };
  const own = workload('api-pr-3', marks, { 'detour.dev/intercept': 'api' });
  await cluster.apply([own]);
  await cluster.rolledOut(shop, 'api-pr-3');
  const refused = await detour('create', 'api', '--key', 'pr-3');
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringContaining('is there already, and `detour create` did not make it'),
  });
  const kept = await detour('delete', 'pr-3');
  expect(kept).toMatchObject({
    code: 1,
    err: expect.stringContaining(`so it stays: \`kubectl -n ${shop} delete deployment api-pr-3\` deletes it.`),
  });
  expect(await detour('wait', 'pr-3')).toMatchObject({ code: 0 });

  // Live as it was, but not yet as it is to be.
  const spec = own['spec'] as { readonly template: { readonly spec: object } };
  const [container] = (spec.template.spec as { readonly containers: readonly object[] }).containers;
  const env = [{ name: 'LEVEL', value: 'debug' }];
  const template = { ...spec.template, spec: { ...spec.template.spec, containers: [{ ...container, env }] } };
  await cluster.apply([{ ...own, spec: { ...spec, replicas: 2, template } } as KubernetesObject]);
  expect(await detour('wait', 'pr-3')).toMatchObject({ code: 0 });
  const listed = JSON.parse((await detour('list', 'pr-3', '-o', 'json')).out);
  const pods = await cluster.pods(shop, 'detour.dev/preview=pr-3');
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  expect(living.map(({ spec: { containers } }) => containers[0]?.env)).toEqual([env, env]);
  const ips = living.map(({ status }) => `${status?.podIP}:8080`).sort();
  expect(listed.intercepts[0].endpoints.toSorted()).toEqual(ips);
  await cluster.delete([own]);
}, 120_000);

test('what --dry-run prints can be applied by kubectl, and is then what create would have made', async () => {
  const image = ['--from-commit', '4f2a91cdeadbeef', '--image-template', 'shop/api:{sha:7}'];
  const create = (...rest: readonly string[]) => detour('create', 'api', '--key', 'pr-5', ...image, ...rest);
  const dry = await create('--env', 'A=1', '--dry-run', '-o', 'yaml');
  expect(await cluster.kubectl(['apply', '-f', '-'], { kubeconfig, input: dry.out })).toMatchObject({ code: 0 });
  expect(await detour('wait', 'pr-5')).toMatchObject({ code: 0 });
  const path = `/apis/apps/v1/namespaces/${shop}/deployments/api-pr-5`;
  const applied = await cluster.request<Versioned>('GET', path);
  expect(await create('--env', 'A=1', '--no-wait')).toMatchObject({ code: 0 });
  const { metadata, ...rest } = await cluster.request<Versioned>('GET', path);
  expect([metadata.labels, rest['spec']]).toEqual([applied.metadata.labels, applied['spec']]);
  await create('--env', 'B=2', '--no-wait');
  const { spec } = await cluster.request<{ spec: { template: { spec: PodSpec } } }>('GET', path);
  expect(spec.template.spec.containers[0]).toMatchObject({ image: 'shop/api:4f2a91c', env: [{ name: 'B', value: '2' }] });
  expect(await detour('delete', 'pr-5', '--no-wait')).toMatchObject({ code: 0 });
}, 60_000);

interface Versioned extends KubernetesObject {
  readonly metadata: KubernetesObject['metadata'] & { readonly labels: object };
}

test('Ctrl-C ends a command at once, which says what stays', async () => {
  const args = ['create', 'api', '--key', 'pr-4', '--image', 'nowhere/api:2', '--kubeconfig', kubeconfig, '-n', shop];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const ended = once(child, 'close');
  await until('it to wait', () => said.includes('\nwaiting: '));
  child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
  expect(said).toMatch(
    /\nThe preview stays: `detour wait pr-4 .*` waits until it is live, `detour delete pr-4 .*` removes it\.\n$/,
  );
  const deleted = await detour('delete', 'pr-4', '--no-wait', '-o', 'wide');
  expect(deleted).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Deployment \S+\/api-pr-4 \([0-9a-f-]{36}\) deleted\n$/),
  });
}, 60_000);

test('annotations beside the pod template are noticed, where workloads may be read', async () => {
  const { metadata, ...rest } = workload('astray', { app: 'astray' });
  const astray = { ...rest, metadata: { ...metadata, annotations: { 'detour.dev/intercept': 'api' } } } as KubernetesObject;
  await cluster.apply([astray]);
  expect((await detour('list', 'pr-8')).out).toContain(
    `Deployment ${shop}/astray has the annotation detour.dev/intercept on its own metadata: it has no effect there.`,
  );
  const waited = await detour('wait', 'pr-8', '--timeout', '1s');
  expect(waited).toMatchObject({ code: 3, err: expect.stringContaining('Move it to spec.template.metadata') });
  await cluster.delete([astray]);
  const elsewhere = await detour('wait', 'pr-8', '--timeout', '1s');
  expect(elsewhere).toMatchObject({
    code: 3,
    err: expect.stringContaining(`Namespace ${shop} was asked about: -n names another`),
  });
}, 60_000);

test('a missing right is told, with the Role that has it', async () => {
  const binding = `/apis/${RBAC}/v1/namespaces/${SYSTEM}/rolebindings/detour-user-developer`;
  await cluster.request('DELETE', binding);
  const denied = await detour('list');
  expect(denied).toMatchObject({ code: 1, out: '' });
  expect(denied.err).toContain(`you may not list pods in namespace ${SYSTEM}`);
  expect(denied.err).toContain('The Role detour-user there has that right: have yourself bound to it, or give --server URL.');
}, 60_000);
