/** What the control plane writes into a real API server: Events, the Lease, and the end of what has expired. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findClient } from '../../tools/kubernetes/client-programs.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import {
  baseline,
  DELETE_RULES,
  deployment,
  EVENT_RULES,
  LEASE_RULES,
  namespace,
  PEER_RULES,
  previewPod,
  READ_RULES,
  replicaPod,
  role,
  service,
  workload,
} from '../support/status/status-objects.ts';
import { type ReplicaOptions, type StatusReplica, spawnReplica, startReplica } from '../support/status/status-replica.ts';
import { until } from '../support/until.ts';

const ALL_RULES = [...READ_RULES, ...EVENT_RULES, ...DELETE_RULES];
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/detour-system/leases/detour';

let api: ApiServer;
let count = 0;

beforeAll(async () => {
  api = await startApiServer({ users: ['detour', 'reader'].map((name) => ({ name, groups: [] })) });
  await api.apply([namespace('detour-system'), ...role('detour', 'detour-system', [...LEASE_RULES, ...PEER_RULES])]);
});
afterAll(() => api[Symbol.asyncDispose]());

/** A namespace of the test's own, with the Service `api`, and no leader and no other replica from a test before. */
async function shop(): Promise<string> {
  count += 1;
  const name = `shop-${count}`;
  await api.apply([namespace(name), ...role('detour', name, ALL_RULES), ...role('reader', name, READ_RULES), ...baseline(name)]);
  await api.request('DELETE', LEASE).catch(() => undefined);
  await api.request('DELETE', '/api/v1/namespaces/detour-system/pods?gracePeriodSeconds=0');
  return name;
}

function replica(inNamespace: string, identity: string, options: Partial<ReplicaOptions> = {}): Promise<StatusReplica> {
  return startReplica(api, { user: 'detour', identity, namespace: inNamespace, ...options });
}

interface EventObject extends KubernetesObject {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly reportingComponent: string;
}

async function events(inNamespace: string): Promise<readonly EventObject[]> {
  const { items } = await api.request<{ items: readonly EventObject[] }>('GET', `/api/v1/namespaces/${inNamespace}/events`);
  // The API server writes some too, of ClusterIPs for example.
  return items.filter(({ reportingComponent }) => reportingComponent === 'detour');
}

/** `Kind/name reason xCOUNT`, sorted. */
async function told(inNamespace: string): Promise<readonly string[]> {
  return (await events(inNamespace))
    .map(({ involvedObject, reason, count: times }) => `${involvedObject.kind}/${involvedObject.name} ${reason} x${times}`)
    .sort();
}

async function untilTold(inNamespace: string, ...lines: readonly string[]): Promise<void> {
  const wanted = lines.toSorted().join('\n');
  let last = '';
  await until(`the Events\n${wanted}`, async () => {
    last = (await told(inNamespace)).join('\n');
    if (last !== wanted) throw new Error(`there is\n${last}`);
    return true;
  });
}

/** What `kubectl describe` looks for. */
async function describe(inNamespace: string, kind: string, name: string): Promise<string> {
  const kubectl = await findClient('kubectl', { path: process.env['PATH'] ?? '' });
  if (kubectl !== undefined) {
    const args = ['--kubeconfig', await api.kubeconfigFile(), '-n', inNamespace, 'describe', kind.toLowerCase(), name];
    return (await promisify(execFile)(kubectl, args)).stdout;
  }
  const path = kind === 'Service' ? '/api/v1' : '/apis/apps/v1';
  const object = await api.request('GET', `${path}/namespaces/${inNamespace}/${kind.toLowerCase()}s/${name}`);
  const selector = `involvedObject.name=${name},involvedObject.namespace=${inNamespace},involvedObject.kind=${kind},involvedObject.uid=${object.metadata['uid']}`;
  const query = `fieldSelector=${encodeURIComponent(selector)}`;
  const { items } = await api.request<{ items: readonly EventObject[] }>(
    'GET',
    `/api/v1/namespaces/${inNamespace}/events?${query}`,
  );
  return items.map(({ reason, message }) => `${reason} ${message}`).join('\n');
}

test('problems and their end, wins, losses and receipts are Events that describe shows, and the next leader goes on', async () => {
  const ns = await shop();
  await api.apply(['api-a', 'api-b', 'typo'].map((name) => deployment(name, {}, ns)));
  await using first = await replica(ns, 'first');
  await until('a leader', () => first.leads());
  first.gateway('one');
  await using second = await replica(ns, 'second');
  await api.apply([replicaPod('first', first.app.admin.port), replicaPod('second', second.app.admin.port)]);
  // The leader asks the other replica for the Envoys that it has.
  second.gateway('two');
  await api.apply([
    previewPod('api-a', 'pr-1', { 'detour.dev/intercept': 'api', 'detour.dev/matches': 'x' }, ns),
    previewPod('api-b', 'pr-1', { 'detour.dev/intercept': 'api' }, ns),
    previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns),
  ]);
  const begun = [
    'Deployment/api-a Live x1',
    'Deployment/api-a Shadows x1',
    'Deployment/api-a UnknownAnnotation x1',
    'Deployment/api-b DuplicateKey x1',
    'Deployment/typo UnknownService x1',
  ];
  await untilTold(ns, ...begun);
  const winner = await describe(ns, 'Deployment', 'api-a');
  expect(winner).toMatch(/Live .*Live on 2 of 2 Envoys after \d+ ms\. Requests to shop-\d+\/api:80 with the key pr-1 reach it\./);
  expect(winner).toMatch(/Shadows .*takes the requests with the key pr-1/);
  expect(await describe(ns, 'Deployment', 'api-b')).toMatch(/DuplicateKey .*Deployment shop-\d+\/api-a\) has the key pr-1/);
  expect(await describe(ns, 'Deployment', 'typo')).toContain(`There is no Service ${ns}/apo.`);

  // The other one holds its tongue, takes over at once, and has nothing to add.
  expect(await second.leads()).toBe(false);
  expect(await second.get('/readyz?verbose')).toContain('[+] status: first leads');
  await first.app.stop();
  await api.delete([replicaPod('first', 1)]);
  await until('the other leader', () => second.leads(), 2_500);
  // What ends while nobody leads, or under another leader, is told too.
  await api.apply([previewPod('api-b', 'pr-3', { 'detour.dev/intercept': 'api' }, ns), service('apo', ns)]);
  second.gateway('one');
  await untilTold(
    ns,
    ...begun,
    'Deployment/api-a ConflictOver x1',
    'Deployment/api-b Live x1',
    'Deployment/api-b ProblemSolved x1',
    'Deployment/typo ProblemSolved x1',
    'Service/apo NoEndpoints x1',
  );
  expect(await describe(ns, 'Service', 'apo')).toContain(`Service ${ns}/apo has no endpoint that is ready`);
  expect(await second.metric('detour_events_written_total')).toBe(5);
  expect(await second.metric('detour_events_failed_total')).toBe(0);
}, 60_000);

test('what is there again is told on the Event that is there', async () => {
  const ns = await shop();
  await api.apply([deployment('typo', {}, ns), previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns)]);
  await using _one = await replica(ns, 'one');
  await untilTold(ns, 'Deployment/typo UnknownService x1');
  await api.apply([service('apo', ns)]);
  await untilTold(ns, 'Deployment/typo ProblemSolved x1', 'Deployment/typo UnknownService x1', 'Service/apo NoEndpoints x1');
  await api.delete([service('apo', ns)]);
  await untilTold(ns, 'Deployment/typo ProblemSolved x1', 'Deployment/typo UnknownService x2', 'Service/apo NoEndpoints x1');
}, 60_000);

test('a workload that is made anew is told what the one before it was, and not what of that is over', async () => {
  const ns = await shop();
  await using one = await replica(ns, 'one');
  await until('a leader', () => one.leads());
  one.gateway('g');
  const objects = [
    ...['api-a', 'typo', 'mended'].map((name) => deployment(name, {}, ns)),
    previewPod('api-a', 'pr-1', { 'detour.dev/intercept': 'api' }, ns),
    previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns),
  ];
  const wrong = previewPod('mended', 'pr-3', { 'detour.dev/intercept': 'apu' }, ns);
  await api.apply([...objects, wrong]);
  const begun = ['Deployment/api-a Live x1', 'Deployment/mended UnknownService x1', 'Deployment/typo UnknownService x1'];
  await untilTold(ns, ...begun);
  // As `kubectl replace --force` does.
  await api.delete([...objects, wrong]);
  const mended = previewPod('mended', 'pr-3', { 'detour.dev/intercept': 'api' }, ns);
  await api.apply([...objects, mended]);
  await untilTold(ns, ...begun, 'Deployment/api-a Live x1', 'Deployment/mended Live x1', 'Deployment/typo UnknownService x1');
  expect(await describe(ns, 'Deployment', 'api-a')).toMatch(/Live .*Live on 1 of 1 Envoys/);
  expect(await describe(ns, 'Deployment', 'typo')).toContain(`There is no Service ${ns}/apo.`);
  const last = await describe(ns, 'Deployment', 'mended');
  expect(last).toMatch(/Live .*Live on 1 of 1 Envoys/);
  expect(last).not.toContain('ProblemSolved');
  // A rollout that leaves no old pod is no other workload.
  await api.delete([objects[3] ?? mended]);
  await api.apply([objects[3] ?? mended]);
  await until('the pods of the rollout', async () => (await one.get('/api/intercepts')).includes('"live"'));
  const before = await one.metric('detour_events_written_total');
  await api.apply([deployment('later', {}, ns), previewPod('later', 'pr-4', { 'detour.dev/intercept': 'apo' }, ns)]);
  await untilTold(
    ns,
    ...begun,
    'Deployment/api-a Live x1',
    'Deployment/mended Live x1',
    'Deployment/typo UnknownService x1',
    'Deployment/later UnknownService x1',
  );
  expect(await one.metric('detour_events_written_total')).toBe(before + 1);
}, 60_000);

test('a workload of a kind that is not known gets its Events too', async () => {
  const ns = await shop();
  const pod = previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns);
  const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'typo', uid: 'u', controller: true };
  await api.apply([{ ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } }]);
  await using _one = await replica(ns, 'one');
  await untilTold(ns, 'Rollout/typo UnknownService x1');
}, 60_000);

test('a leader that is killed is followed when its time is up, and nothing is told twice', async () => {
  const ns = await shop();
  await api.apply([deployment('typo', {}, ns), previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns)]);
  await using killed = await spawnReplica(api, { user: 'detour', identity: 'killed', namespace: ns });
  await untilTold(ns, 'Deployment/typo UnknownService x1');
  await using next = await replica(ns, 'next');
  await until('it to wait', async () => (await next.get('/readyz?verbose')).includes('[+] status: killed leads'));
  const startedAt = Date.now();
  await killed[Symbol.asyncDispose]();
  await until('it to lead', () => next.leads());
  // It was renewed a moment before, and stands for three seconds.
  expect(Date.now() - startedAt).toBeGreaterThan(2_000);
  expect(Date.now() - startedAt).toBeLessThan(6_000);
  await api.apply([service('apo', ns)]);
  await untilTold(ns, 'Deployment/typo ProblemSolved x1', 'Deployment/typo UnknownService x1', 'Service/apo NoEndpoints x1');
}, 60_000);

test('a Lease is up when nobody has seen it renewed for its time, whatever its clock said', async () => {
  const ns = await shop();
  const spec = {
    holderIdentity: 'killed',
    leaseDurationSeconds: 2,
    acquireTime: '2099-01-01T00:00:00.000000Z',
    renewTime: '2099-01-01T00:00:00.000000Z',
    leaseTransitions: 7,
  };
  const metadata = { name: 'detour', namespace: 'detour-system' };
  await api.request('POST', LEASE.replace(/\/detour$/, ''), {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata,
    spec,
  });
  const startedAt = Date.now();
  await using next = await replica(ns, 'next');
  await until('it to wait', async () => (await next.get('/readyz?verbose')).includes('[+] status: killed leads'));
  await until('it to lead', () => next.leads());
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_000);
  expect((await api.request(`GET`, LEASE))['spec']).toMatchObject({ holderIdentity: 'next', leaseTransitions: 8 });
  await next.app.stop();
  expect((await api.request('GET', LEASE))['spec']).not.toHaveProperty('holderIdentity', 'next');
}, 60_000);

test('without rights it serves, says once what is missing, and goes on when it is granted', async () => {
  const ns = await shop();
  await api.apply([deployment('typo', {}, ns), previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns)]);
  await using denied = await replica(ns, 'denied', { user: 'reader' });
  await until('ready', async () => (await denied.get('/readyz')) === '200 ok\n');
  await until('what is missing', async () =>
    (await denied.get('/readyz?verbose')).includes(
      '[+] status: no replica leads; cannot hold the Lease detour: 403 leases.coordination.k8s.io "detour" is forbidden',
    ),
  );
  expect(await denied.metric('detour_status_available')).toBe(0);
  expect(denied.warnings.filter((line) => line.startsWith('cannot hold the Lease'))).toHaveLength(1);

  // It may lead, and nothing else.
  await api.apply(role('reader', 'detour-system', LEASE_RULES));
  await until('it to lead', () => denied.leads());
  const missing = /cannot write Events: 403 events is forbidden.*; cannot delete what has expired: 403 /;
  await until('what else is missing', async () => missing.test(await denied.get('/readyz?verbose')));
  expect(await denied.get('/readyz')).toBe('200 ok\n');
  expect(await told(ns)).toEqual([]);
  expect(denied.warnings).toHaveLength(3);
}, 60_000);

const MADE = { 'app.kubernetes.io/managed-by': 'detour', 'detour.dev/preview': 'pr-9' };
const MORTAL = { 'detour.dev/delete-when-expired': 'true' };
const at = (ms: number) => new Date(Date.now() + ms).toISOString();

test('what create made is deleted when it has expired, and nothing else', async () => {
  const ns = await shop();
  const past = { ...MORTAL, 'detour.dev/expires': at(-60_000) };
  const [parent] = await api.apply([deployment('parent', {}, ns)]);
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'parent', uid: parent?.metadata['uid'], controller: true };
  const { 'detour.dev/preview': _key, ...keyless } = MADE;
  const stays = [
    deployment('unexpired', { labels: MADE, annotations: { ...past, 'detour.dev/expires': at(3_600_000) } }, ns),
    deployment('not-ours', { labels: { ...MADE, 'app.kubernetes.io/managed-by': 'helm' }, annotations: past }, ns),
    deployment('not-to-be-deleted', { labels: MADE, annotations: { 'detour.dev/expires': at(-60_000) } }, ns),
    deployment('false', { labels: MADE, annotations: { ...past, 'detour.dev/delete-when-expired': 'false' } }, ns),
    deployment('no-instant', { labels: MADE, annotations: MORTAL }, ns),
    deployment('bad-instant', { labels: MADE, annotations: { ...MORTAL, 'detour.dev/expires': 'tomorrow' } }, ns),
    deployment('no-key', { labels: keyless, annotations: past }, ns),
    workload('ReplicaSet', 'owned', { labels: MADE, annotations: past, ownerReferences: [owner] }, ns),
    workload('DaemonSet', 'of-no-kind-that-create-makes', { labels: MADE, annotations: past }, ns),
  ];
  const goes = [
    deployment('expired', { labels: MADE, annotations: past }, ns),
    workload('StatefulSet', 'expired', { labels: MADE, annotations: past }, ns),
    workload('ReplicaSet', 'expired', { labels: MADE, annotations: past }, ns),
  ];
  const names = async () =>
    (
      await Promise.all(
        ['deployments', 'statefulsets', 'replicasets', 'daemonsets'].map(async (resource) => {
          const path = `/apis/apps/v1/namespaces/${ns}/${resource}`;
          const { items } = await api.request<{ items: readonly KubernetesObject[] }>('GET', path);
          return items.map(({ metadata }) => metadata.name);
        }),
      )
    ).flat();
  await api.apply([
    ...stays,
    ...goes,
    deployment('soon', { labels: MADE, annotations: { ...past, 'detour.dev/expires': at(6_000) } }, ns),
  ]);
  const soon = Date.now() + 6_000;
  // One look at the start only: later ones must come of themselves.
  await using leader = await replica(ns, 'leader', { times: { sweepMs: 3_600_000 } });
  await until('those to go', async () => (await names()).filter((name) => name === 'expired').length === 0);
  expect(await names()).toContain('soon');
  await until('the one that expires in time', async () => !(await names()).includes('soon'));
  expect(Date.now() - soon).toBeLessThan(3_000);
  expect((await names()).sort()).toEqual(['parent', ...stays.map(({ metadata }) => metadata.name)].sort());
  await untilTold(
    ns,
    ...['Deployment/expired', 'Deployment/soon', 'ReplicaSet/expired', 'StatefulSet/expired'].map(
      (each) => `${each} PreviewExpired x1`,
    ),
  );
  expect((await events(ns))[0]?.message).toMatch(/^Preview pr-9 expired at .*: Detour deletes this /);
  expect(await leader.metric('detour_expired_deleted_total')).toBe(4);
}, 60_000);

test('what has expired stays where that is asked for', async () => {
  const ns = await shop();
  await api.apply([
    deployment('expired', { labels: MADE, annotations: { ...MORTAL, 'detour.dev/expires': at(-60_000) } }, ns),
    deployment('typo', {}, ns),
    previewPod('typo', 'pr-2', { 'detour.dev/intercept': 'apo' }, ns),
  ]);
  await using leader = await replica(ns, 'leader', { args: ['--events', 'on', '--delete-expired', 'off'] });
  await untilTold(ns, 'Deployment/typo UnknownService x1');
  const { metadata } = await api.request('GET', `/apis/apps/v1/namespaces/${ns}/deployments/expired`);
  expect(metadata['deletionTimestamp']).toBeUndefined();
  expect(await leader.metric('detour_expired_deleted_total')).toBe(0);
}, 60_000);
