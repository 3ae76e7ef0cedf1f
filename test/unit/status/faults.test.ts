/** What a real API server cannot be made to do: it hangs, storms and changes things under the leader's hands. */
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { interceptId } from '../../../src/model/names.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { sendStatus } from '../../support/kubernetes/fake-api-server.ts';
import { ScriptedCluster } from '../../support/status/scripted-cluster.ts';
import { until } from '../../support/until.ts';

const EVENTS = '/api/v1/namespaces/shop/events';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments';

function aProblem(name: string): Problem {
  const intercept = interceptId({ namespace: 'shop', key: 'pr-1', kind: 'Deployment', name }, 'shop/apo:80');
  return {
    code: 'UnknownService',
    subject: { kind: 'Pod', key: `shop/${name}-1` },
    intercept,
    message: 'There is no Service shop/apo.',
    hint: '',
  };
}

function withDeployments(cluster: ScriptedCluster, ...names: readonly string[]): void {
  for (const name of names)
    cluster.store.put(`${DEPLOYMENTS}/${name}`, { metadata: { namespace: 'shop', name, uid: `uid-${name}` } });
}

function mortal(cluster: ScriptedCluster, over: object = {}): void {
  const metadata = {
    namespace: 'shop',
    name: 'old',
    uid: 'uid-old',
    labels: { 'app.kubernetes.io/managed-by': 'detour', 'detour.dev/preview': 'pr-1' },
    annotations: { 'detour.dev/delete-when-expired': 'true', 'detour.dev/expires': '2026-01-01T00:00:00Z' },
    ...over,
  };
  cluster.store.put(`${DEPLOYMENTS}/old`, { metadata });
}

test.each([
  ['500', (response: ServerResponse) => sendStatus(response, 500, 'etcdserver: request timed out')],
  ['429', (response: ServerResponse) => sendStatus(response, 429, 'too many requests', { 'retry-after': '0' })],
  ['a broken connection', (response: ServerResponse) => response.destroy()],
])('a storm of %s ends with each Event there once', async (_, fail) => {
  await using cluster = await ScriptedCluster.start();
  withDeployments(cluster, 'a', 'b', 'c');
  cluster.problems = ['a', 'b', 'c'].map(aProblem);
  let left = 8;
  cluster.fault = ({ method, resource }, response) => {
    if (resource !== 'events' || method === 'GET' || left === 0) return false;
    left -= 1;
    fail(response);
    return true;
  };
  cluster.writer.start();
  await until('the Events', () => cluster.store.below(EVENTS).length === 3);
  expect(cluster.store.below(EVENTS).map((event) => event['count'])).toEqual([1, 1, 1]);
  await until('it to be well', () => cluster.writer.isWell);
  expect(cluster.warnings).toEqual(['cannot write Events']);
  // The server has one a moment before its answer is read.
  const written = () => cluster.counts.filter(({ kind }) => kind === 'written').length;
  await until('them to be counted', () => written() >= 3);
  expect(written()).toBe(3);
  expect(cluster.counts.filter(({ kind }) => kind === 'failed')).toHaveLength(8);
});

test('a server that hangs on Events keeps neither the Lease nor the end of this replica waiting', async () => {
  const cluster = await ScriptedCluster.start({ timeoutMs: 300 });
  await using _all = cluster;
  withDeployments(cluster, 'a');
  cluster.problems = [aProblem('a')];
  cluster.fault = ({ resource, method }) => resource === 'events' && method === 'POST';
  cluster.writer.start();
  await until('two attempts', () => cluster.countOf('POST events') >= 2);
  expect(cluster.writer.isLeading).toBe(true);
  expect(cluster.countOf('PUT leases')).toBeGreaterThan(2);
  expect(cluster.writer.describe()).toContain('this replica leads; cannot write Events: the API server');
  const startedAt = performance.now();
  await cluster.writer[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('a leader that cannot renew in time writes no more, and stops in time even so', async () => {
  const cluster = await ScriptedCluster.start({ timeoutMs: 300 });
  await using _all = cluster;
  withDeployments(cluster, 'a', 'b');
  cluster.problems = [aProblem('a')];
  cluster.writer.start();
  await until('the Event', () => cluster.store.below(EVENTS).length === 1);
  cluster.fault = ({ resource }) => resource === 'leases';
  await until('the end of the term', () => !cluster.writer.isLeading);
  const { length } = cluster.calls.filter((call) => !call.endsWith('leases'));
  cluster.problems = [aProblem('a'), aProblem('b')];
  const attempts = cluster.countOf('GET leases');
  await until('an attempt to lead again', () => cluster.countOf('GET leases') > attempts);
  expect(cluster.calls.filter((call) => !call.endsWith('leases'))).toHaveLength(length);
  expect(cluster.writer.describe()).toContain('cannot hold the Lease detour');
  const startedAt = performance.now();
  await cluster.writer[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('a server that hangs keeps a leader that stops no longer than a second', async () => {
  const cluster = await ScriptedCluster.start({ timeoutMs: 300 });
  await using _all = cluster;
  cluster.writer.start();
  await until('it to lead', () => cluster.writer.isLeading);
  cluster.fault = () => true;
  const startedAt = performance.now();
  await cluster.writer[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('a Lease that somebody else took ends the term at once', async () => {
  // Its own term would last longer than anybody waits here.
  await using cluster = await ScriptedCluster.start({ termMs: 600_000 });
  cluster.writer.start();
  await until('it to lead', () => cluster.writer.isLeading);
  cluster.store.put('/apis/coordination.k8s.io/v1/namespaces/detour-system/leases/detour', {
    metadata: { name: 'detour' },
    spec: { holderIdentity: 'other', leaseDurationSeconds: 60 },
  });
  await until('the end of the term', () => !cluster.writer.isLeading);
  expect(cluster.writer.describe()).toBe('other leads');
});

test('what is deleted is what was looked at: another version is looked at again', async () => {
  await using cluster = await ScriptedCluster.start();
  mortal(cluster);
  let isTouched = false;
  cluster.fault = ({ method }) => {
    // Somebody writes its status between the look and the deletion.
    if (method === 'DELETE' && !isTouched) {
      isTouched = true;
      mortal(cluster);
    }
    return false;
  };
  cluster.writer.start();
  await until('it to be gone', () => cluster.store.below(DEPLOYMENTS).length === 0);
  expect(cluster.countOf('DELETE deployments')).toBe(2);
  expect(cluster.store.below(EVENTS)).toMatchObject([{ reason: 'PreviewExpired', count: 1, involvedObject: { uid: 'uid-old' } }]);
});

test.each([
  [
    'given more time',
    { annotations: { 'detour.dev/delete-when-expired': 'true', 'detour.dev/expires': '2999-01-01T00:00:00Z' } },
  ],
  ['made anew', { uid: 'uid-new' }],
  ['taken over', { labels: { 'detour.dev/preview': 'pr-1' } }],
])('what is %s in the last moment stays', async (_, over) => {
  await using cluster = await ScriptedCluster.start();
  mortal(cluster);
  let sweeps = 0;
  cluster.fault = ({ path, method }) => {
    if (path === `${DEPLOYMENTS}/old` && method === 'GET') mortal(cluster, over);
    if (path === '/api/v1/namespaces/shop/pods') sweeps += 1;
    return false;
  };
  cluster.writer.start();
  await until('a whole look', () => sweeps > 0);
  expect(cluster.countOf('GET deployments')).toBe(1);
  expect(cluster.countOf('DELETE deployments')).toBe(0);
  expect(cluster.store.below(EVENTS)).toEqual([]);
});

test('an Event that cannot be written keeps nothing alive', async () => {
  await using cluster = await ScriptedCluster.start();
  mortal(cluster);
  cluster.fault = ({ resource, method }) => resource === 'events' && method === 'POST';
  cluster.writer.start();
  await until('it to be gone', () => cluster.store.below(DEPLOYMENTS).length === 0);
});
