/** The bench itself: pods of real programs, as Detour's own manifests have them, and pods of several containers. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
import type { PodObject } from '../support/cluster/pod-objects.ts';
import { detourImage, envoyImage, programImage } from '../support/cluster/program-image.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

let cluster: Cluster;
let tools: string;

beforeAll(async () => {
  cluster = await openCluster({
    images: (own) => ({
      app: own.appImage(),
      detour: detourImage(),
      'envoyproxy/envoy': envoyImage(),
      shell: programImage({ name: 'sh', entry: async () => ['/bin/sh', '-ec'] }),
    }),
  });
  tools = await cluster.namespace('tools');
});

afterAll(() => cluster[Symbol.asyncDispose]());

function pod(name: string, spec: object): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: tools, labels: { app: name } }, spec };
}

async function phaseOf(name: string): Promise<string | undefined> {
  const { status } = await cluster.request<PodObject>('GET', `/api/v1/namespaces/${tools}/pods/${name}`);
  return status?.phase;
}

test("the project's manifests run as they are: two control planes, and two gateways that find them by DNS", async () => {
  const system = await cluster.namespace('detour-system', { exact: true });
  const manifest = await readFile(new URL('../../k8s/detour.yaml', import.meta.url), 'utf8');
  const applied = await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
  expect(applied).toMatchObject({ code: 0 });
  await cluster.rolledOut(system, 'detour');
  await cluster.rolledOut(system, 'detour-gateway');
  const planes = await cluster.pods(system, 'app.kubernetes.io/component=control-plane');
  expect(planes).toHaveLength(2);
  const lease = `/apis/coordination.k8s.io/v1/namespaces/${system}/leases/detour`;
  const leader = await until('a leader', async () => (await cluster.request<Lease>('GET', lease)).spec.holderIdentity);
  expect(planes.map(({ metadata }) => metadata.name)).toContain(leader);
});

interface Lease {
  readonly spec: { readonly holderIdentity?: string };
}

test('a container has its volumes, its environment, its own name, and a root that it cannot write to', async () => {
  const script = `
cat /etc/settings/greeting /run/scratch/made; echo "$GREETING from $(hostname) at $IP"
cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo
touch /etc/new /tmp/new 2>/dev/null || echo read-only`;
  await cluster.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: tools }, data: { greeting: 'hello\n' } },
    pod('shell', {
      restartPolicy: 'Never',
      volumes: [
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'scratch', emptyDir: {} },
      ],
      initContainers: [
        {
          name: 'make',
          image: 'shell',
          args: ['echo made >/run/scratch/made'],
          volumeMounts: [{ name: 'scratch', mountPath: '/run/scratch' }],
        },
      ],
      containers: [
        {
          name: 'main',
          image: 'shell:1',
          args: [script],
          env: [
            { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'GREETING', valueFrom: { configMapKeyRef: { name: 'settings', key: 'greeting' } } },
          ],
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [
            { name: 'settings', mountPath: '/etc/settings', readOnly: true },
            { name: 'scratch', mountPath: '/run/scratch' },
          ],
        },
      ],
    }),
  ]);
  await until('the pod to end', async () => (await phaseOf('shell')) !== 'Pending' && (await phaseOf('shell')) !== 'Running');
  const said = await cluster.podLog(tools, 'shell', 'main');
  expect(said).toMatch(/^hello\nmade\nhello\n from shell at 10\.77\.\d+\.\d+\n/);
  expect(said).toContain(`${tools}\nread-only\n`);
  expect(await phaseOf('shell')).toBe('Succeeded');
});

test('the containers of one pod share its loopback address, and the API server forwards ports there', async () => {
  const listener = `node -e 'require("http").createServer((q, r) => r.end("inside")).listen(7000, "127.0.0.1")'`;
  await cluster.apply([
    pod('pair', {
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: 'app', image: 'app', ports: [{ containerPort: 8080 }], readinessProbe: { httpGet: { port: 8080 } } },
        { name: 'listener', image: 'shell', args: [`exec ${listener}`] },
        {
          name: 'asker',
          image: 'shell',
          args: ['for i in $(seq 50); do curl -s 127.0.0.1:7000 && sleep 98765; sleep 0.1; done'],
        },
      ],
    }),
  ]);
  await until('the neighbour to be asked', async () => (await cluster.podLog(tools, 'pair', 'asker')) === 'inside');
  const [pair] = await cluster.pods(tools, 'app=pair');
  const address = pair?.status?.podIP ?? '';
  {
    await using forward = await cluster.portForward(tools, 'pair', 7000);
    expect(await (await fetch(`${forward.url}/`)).text()).toBe('inside');
  }
  expect(await routeTo(address)).not.toBe('');

  // What the programs have started, too: a `sleep` that goes on would keep the address.
  await cluster.request('DELETE', `/api/v1/namespaces/${tools}/pods/pair`);
  await until('the pod to be gone', async () => (await cluster.pods(tools, 'app=pair')).length === 0);
  expect(await routeTo(address)).toBe('');
  expect((await run('ps', ['-eo', 'args'])).stdout).not.toMatch(/^sleep 98765/m);
});

async function routeTo(address: string): Promise<string> {
  return (await run('ip', ['route', 'show', `${address}/32`])).stdout;
}

test('a Job runs until it is done, and is tried again when it fails', async () => {
  const script = 'if [ -e /etc/marks/done ]; then exit 0; else exit 3; fi';
  const job = (name: string, args: readonly string[]): KubernetesObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: tools },
    spec: {
      backoffLimit: 0,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'shell', args }] } },
    },
  });
  await cluster.apply([job('good', ['true']), job('bad', [script])]);
  const conditions = async (name: string): Promise<readonly string[]> => {
    const found = await cluster.request<Job>('GET', `/apis/batch/v1/namespaces/${tools}/jobs/${name}`);
    return (found.status.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type);
  };
  await until('the good Job to be complete', async () => (await conditions('good')).includes('Complete'));
  await until('the bad Job to have failed', async () => (await conditions('bad')).includes('Failed'));
});

interface Job {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
