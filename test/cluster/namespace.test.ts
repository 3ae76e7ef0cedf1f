/** One of the namespaces that are watched is deleted, with all that is in it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
import { isMissing, type KubernetesObject } from '../support/kubernetes/api-client.ts';
import { DELETE_RULES, EVENT_RULES, LEASE_RULES, PEER_RULES, READ_RULES, role } from '../support/status/status-objects.ts';
import { type StatusReplica, startReplica } from '../support/status/status-replica.ts';
import { until } from '../support/until.ts';

let cluster: Cluster;
/** Of the control plane, and of others. */
let stays: string;
let goes: string;

beforeAll(async () => {
  cluster = await openCluster({ images: (own) => ({ 'shop/api': own.appImage() }) });
  [stays, goes] = [await cluster.namespace('stays'), await cluster.namespace('goes')];
  for (const namespace of [stays, goes]) {
    const who = `system:serviceaccount:${stays}:detour`;
    await cluster.apply(role(who, namespace, [...READ_RULES, ...EVENT_RULES, ...DELETE_RULES]));
    await cluster.apply([service(namespace), workload('api', namespace), workload('api-pr-1', namespace, 'pr-1')]);
  }
  const lease = [...LEASE_RULES, ...PEER_RULES];
  await cluster.apply(role(`lease:${stays}`, stays, lease).map((object) => forAccount(object)));
  for (const namespace of [stays, goes]) for (const name of ['api', 'api-pr-1']) await cluster.rolledOut(namespace, name);
});

afterAll(() => cluster[Symbol.asyncDispose]());

/** The same for the ServiceAccount. */
function forAccount(object: KubernetesObject): KubernetesObject {
  return 'subjects' in object ? { ...object, subjects: [{ kind: 'ServiceAccount', namespace: stays, name: 'detour' }] } : object;
}

function service(namespace: string): KubernetesObject {
  const annotations = { 'detour.dev/host': `${namespace}.example.com` };
  const spec = { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'api', namespace, annotations }, spec };
}

/** @param key of a preview of `api` */
function workload(name: string, namespace: string, key?: string): KubernetesObject {
  const labels = { app: name, ...(key === undefined ? {} : { 'detour.dev/preview': key }) };
  const annotations = key === undefined ? {} : { 'detour.dev/intercept': 'api' };
  const containers = [{ name: 'main', image: 'shop/api:1', ports: [{ name: 'http', containerPort: 8080 }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels, annotations }, spec: { terminationGracePeriodSeconds: 1, containers } },
    },
  };
}

function replica(identity: string, ...namespaces: readonly string[]): Promise<StatusReplica> {
  const [namespace = '', ...others] = namespaces;
  const kubeconfigs = { kubeconfigFile: () => cluster.serviceAccountKubeconfig(stays, 'detour') };
  const args = ['--events', 'on', '--delete-expired', 'on', '--lease-namespace', stays];
  const more = others.flatMap((each) => ['--namespace', each]);
  return startReplica(kubeconfigs, { user: 'detour', identity, namespace, args: [...args, ...more] });
}

async function isGone(namespace: string): Promise<boolean> {
  try {
    await cluster.request('GET', `/api/v1/namespaces/${namespace}`);
    return false;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

test('the previews in it end, the others are served on, and a replica that starts then says what to do', async () => {
  await using first = await replica('first', stays, goes);
  await until('the intercepts', async () => {
    const intercepts = await first.get('/api/intercepts');
    return [stays, goes].every((namespace) => intercepts.includes(`${namespace}/api:80`));
  });
  first.gateway('one');
  await until('a leader', () => first.leads());

  await cluster.request('DELETE', `/api/v1/namespaces/${goes}`);
  await until(`namespace ${goes} to be gone`, () => isGone(goes), 60_000);
  await until('its intercepts to end', async () => !(await first.get('/api/intercepts')).includes(`${goes}/api:80`), 60_000);
  expect(await first.get('/api/intercepts')).toContain(`${stays}/api:80`);
  await until('what is wrong', async () => (await first.get('/readyz?verbose')).includes('is gone, take it out'));
  expect(await first.get('/readyz')).toMatch(/^200 /);

  await using second = await replica('second', stays, goes);
  const advice = `where namespace ${goes} is gone, take it out of --namespace (the chart's watchNamespaces)`;
  await until('what it waits for', async () => (await second.get('/readyz')).includes(advice));
  expect(await second.get('/readyz')).toMatch(new RegExp(`^503 .*cannot list services in namespace ${goes}: 403`, 's'));
  await using third = await replica('third', stays);
  await until('a replica without it', async () => (await third.get('/readyz')).startsWith('200 '));
}, 180_000);
