import { describe, expect, test } from 'vitest';
import { at, container, copied, faults, service, workload } from './shop.ts';

describe('a copy', () => {
  test('has a name, a selector and pods of its own, one replica, and says what it stands in for', () => {
    expect(copied().manifest).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'api-pr-42',
        namespace: 'shop',
        labels: {
          'app.kubernetes.io/instance': 'api-pr-42',
          'app.kubernetes.io/managed-by': 'detour',
          'detour.dev/preview': 'pr-42',
        },
        annotations: {},
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: { 'app.kubernetes.io/instance': 'api-pr-42', 'detour.dev/preview': 'pr-42' } },
        template: {
          metadata: {
            labels: { app: 'api-pr-42', 'app.kubernetes.io/instance': 'api-pr-42', 'detour.dev/preview': 'pr-42' },
            annotations: { 'detour.dev/intercept': 'api' },
          },
          spec: { containers: [container()] },
        },
      },
    });
  });

  test('is the same for the same input, and leaves the input as it was', () => {
    const object = workload();
    const before = structuredClone(object);
    expect(copied(object)).toEqual(copied(object));
    expect(object).toEqual(before);
  });

  test('keeps fields that nobody here knows, at every depth', () => {
    const spec = { minReadySeconds: 3, future: { a: [1, null] } };
    const pod = { dnsConfig: { options: [{ name: 'ndots' }] }, future: true, containers: [container({ future: { b: 2 } })] };
    const { manifest } = copied(workload({ spec: { ...spec, template: { metadata: { labels: { app: 'api' } }, spec: pod } } }));
    expect(manifest.spec).toMatchObject({ ...spec, template: { spec: pod } });
  });

  test('leaves behind what is of one object only, and the marks of the tools that own the baseline', () => {
    const { manifest } = copied(
      workload({
        metadata: {
          uid: 'u',
          resourceVersion: '7',
          generation: 2,
          creationTimestamp: '2026-01-01T00:00:00Z',
          managedFields: [{}],
          finalizers: ['x/y'],
          ownerReferences: [{ kind: 'App', name: 'shop' }],
          labels: {
            team: 'red',
            'app.kubernetes.io/instance': 'shop',
            'app.kubernetes.io/managed-by': 'Helm',
            'helm.sh/chart': 'api-1.0',
            'argocd.argoproj.io/instance': 'shop',
          },
          annotations: {
            contact: 'red@example.com',
            'meta.helm.sh/release-name': 'shop',
            'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/api',
            'kubectl.kubernetes.io/last-applied-configuration': '{}',
            'deployment.kubernetes.io/revision': '9',
          },
        },
        annotations: { 'prometheus.io/scrape': 'true', 'detour.dev/match': 'x-user=alice' },
      }),
    );
    expect(manifest.metadata).toEqual({
      name: 'api-pr-42',
      namespace: 'shop',
      labels: {
        team: 'red',
        'app.kubernetes.io/instance': 'api-pr-42',
        'app.kubernetes.io/managed-by': 'detour',
        'detour.dev/preview': 'pr-42',
      },
      annotations: { contact: 'red@example.com' },
    });
    expect(at(manifest, 'spec.template.metadata.annotations')).toEqual({
      'prometheus.io/scrape': 'true',
      'detour.dev/intercept': 'api',
    });
    expect(manifest).not.toHaveProperty('status');
  });

  test('a name that is too long is cut, ends with a hash, and another key makes another', () => {
    const long = workload({ metadata: { name: 'a'.repeat(60) } });
    const [one, other] = ['pr-42', 'pr-43'].map((key) => copied(long, { key }).manifest.metadata.name);
    expect(one).toMatch(/^a{54}-[0-9a-f]{8}$/);
    expect(other).not.toBe(one);
    expect(copied(workload({ kind: 'StatefulSet', metadata: { name: 'a'.repeat(60) } })).manifest.metadata.name).toHaveLength(52);
  });

  test('says when it ends, on its pods and on itself, and whether it is deleted then', () => {
    const expiresAt = Date.parse('2027-01-31T18:00:00.750Z');
    const { manifest } = copied(workload(), { expiresAt });
    expect(manifest.metadata.annotations).toEqual({
      'detour.dev/expires': '2027-01-31T18:00:00Z',
      'detour.dev/delete-when-expired': 'true',
    });
    expect(at(manifest, 'spec.template.metadata.annotations')).toMatchObject({ 'detour.dev/expires': '2027-01-31T18:00:00Z' });
    const kept = copied(workload(), { expiresAt, deleteWhenExpired: false }).manifest.metadata.annotations;
    expect(kept).toEqual({ 'detour.dev/expires': '2027-01-31T18:00:00Z' });
  });

  test('names the port, and the rule and mode that it is given', () => {
    const over = {
      standsInFor: [
        { service: 'api', port: 'http' },
        { service: 'web', port: undefined },
      ],
      annotations: { match: 'x-user=alice', mode: 'mirror' },
    };
    expect(at(copied(workload(), over).manifest, 'spec.template.metadata.annotations')).toEqual({
      'detour.dev/intercept': 'api:http, web',
      'detour.dev/match': 'x-user=alice',
      'detour.dev/mode': 'mirror',
    });
  });
});

describe('kinds', () => {
  test('a StatefulSet has no claims, and is rolled out as a whole', () => {
    const spec = {
      serviceName: 'api',
      volumeClaimTemplates: [{ metadata: { name: 'data' } }],
      updateStrategy: { type: 'OnDelete' },
      podManagementPolicy: 'Parallel',
    };
    const { manifest, notices } = copied(workload({ kind: 'StatefulSet', spec }));
    expect(Object.keys(manifest.spec).sort()).toEqual(['podManagementPolicy', 'replicas', 'selector', 'serviceName', 'template']);
    expect(at(manifest, 'spec.template.spec.volumes')).toEqual([{ name: 'data', emptyDir: {} }]);
    expect(notices).toEqual(["Volume data is an empty directory in the preview: it never mounts the baseline's data."]);
  });

  test('a paused Deployment has a copy that runs', () => {
    expect(copied(workload({ spec: { paused: true } })).manifest.spec).not.toHaveProperty('paused');
  });

  test('a Pod has a copy without a node, a priority and the volume of its token', () => {
    const token = 'kube-api-access-x7k2p';
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'api', namespace: 'shop', labels: { app: 'api' }, annotations: { a: 'b' } },
      spec: {
        nodeName: 'node-1',
        priority: 0,
        ephemeralContainers: [{}],
        volumes: [{ name: token }],
        containers: [container({ volumeMounts: [{ name: token }, { name: 'x' }] })],
      },
      status: { phase: 'Running' },
    };
    const { manifest } = copied(pod);
    expect(manifest).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'api-pr-42',
        namespace: 'shop',
        labels: {
          app: 'api-pr-42',
          'app.kubernetes.io/instance': 'api-pr-42',
          'app.kubernetes.io/managed-by': 'detour',
          'detour.dev/preview': 'pr-42',
        },
        annotations: { a: 'b', 'detour.dev/intercept': 'api' },
      },
      spec: { containers: [container({ volumeMounts: [{ name: 'x' }] })] },
    });
    expect(faults(pod, { replicas: 2 })).toEqual([expect.stringContaining('is one pod')]);
  });

  test.each([
    ['DaemonSet', 'would run on every node'],
    ['Job', 'a second time'],
    ['Rollout', 'its own controller'],
    ['Deployment of a group of the past', 'extensions/v1beta1'],
  ])('a %s is not copied, and the reason is told', (kind, why) => {
    const old = kind.startsWith('Deployment ');
    const object = old ? { ...workload(), apiVersion: 'extensions/v1beta1' } : workload({ kind });
    expect(faults(object)).toEqual([expect.stringContaining(why)]);
  });

  test('what another object makes is not copied: that is named', () => {
    const ownerReferences = [{ kind: 'Deployment', name: 'api', controller: true }];
    expect(faults(workload({ kind: 'ReplicaSet', metadata: { name: 'api-5d8', ownerReferences } }))).toEqual([
      'ReplicaSet shop/api-5d8 is made by Deployment api. Copy that: give Deployment api in its place.',
    ]);
  });

  test('a preview is not copied', () => {
    expect(faults(workload({ labels: { app: 'api', 'detour.dev/preview': 'pr-7' } }))[0]).toContain('is a preview itself');
  });
});

describe('mistakes are all told at once, with a fix', () => {
  test.each([
    ['a key that is none', workload(), { key: 'PR_42' }, /which is no key\..*pr-42/],
    ['a rule that cannot be read', workload(), { annotations: { match: 'x-user==a' } }, /detour\.dev\/match/],
    ["the baseline's own name", workload(), { name: 'api' }, /must not have the baseline's own name/],
    ['a name in capitals', workload(), { name: 'API' }, /"API" is no name for a Deployment/],
    ['a container that is not there', workload(), { container: 'app' }, /There is no container app\. The pods have api\./],
    ['no containers', workload({ pod: { containers: [] } }), {}, /containers must name at least one/],
    [
      'a label that selects it again',
      workload(),
      { labels: { app: 'api' } },
      /Service shop\/api would select the preview's pods/,
    ],
    ["a label of Detour's", workload(), { labels: { 'detour.dev/preview': 'x' } }, /is set by Detour/],
    ['a template that is a text', workload({ spec: { template: 'x' } }), {}, /spec\.template must be a map/],
  ])('%s', (_, object, over, message) => {
    const told = faults(object, over);
    expect(told.join('\n')).toMatch(message);
    for (const each of told) expect(each).toMatch(/\.( |$)/);
  });

  test('two of them', () => {
    expect(faults(workload(), { key: 'a--b', name: 'api', container: 'x' })).toHaveLength(3);
  });
});

test('a Service that selects nothing, or other pods, changes nothing', () => {
  const services = [service(), service({ selector: undefined }, 'manual'), service({ selector: { app: 'web' } }, 'web')];
  expect(copied(workload(), {}, services)).toEqual(copied());
});
