import { describe, expect, test } from 'vitest';
import { projectObjects } from '../../../src/sources/objects.ts';

const ORIGIN = { subject: { kind: 'File', key: 'a.yaml' }, place: 'a.yaml, document 2' } as const;
const project = (value: unknown) => projectObjects(value, ORIGIN);

function service(spec: object, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'api', namespace: 'shop', ...metadata }, spec };
}

function pod(parts: { metadata?: object; spec?: object; status?: object }): object {
  const metadata = { name: 'api-x', namespace: 'shop', labels: { 'detour.dev/preview': 'pr-42' }, ...parts.metadata };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: parts.spec, status: parts.status };
}

function slice(endpoints: readonly object[], more: object = {}): object {
  const metadata = { name: 'api-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'api' } };
  const ports = [{ name: 'http', port: 8080, protocol: 'TCP' }];
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports, endpoints, ...more };
}

describe('a Service', () => {
  test('has the defaults of Kubernetes where it does not say', () => {
    const { objects, problems } = project(service({ clusterIP: '10.0.0.1', ports: [{ port: 80 }] }));
    expect(problems).toEqual([]);
    expect(objects).toEqual([
      {
        kind: 'service',
        key: 'shop/api',
        object: {
          namespace: 'shop',
          name: 'api',
          createdAt: 0,
          type: 'ClusterIP',
          clusterIPs: ['10.0.0.1'],
          previewLabel: '',
          annotations: {},
          ports: [{ name: '', port: 80, targetPort: 80, transport: 'TCP', appProtocol: '' }],
        },
      },
    ]);
  });

  test('without a namespace is in `default`, a headless one has no ClusterIP', () => {
    const [object] = project({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api' },
      spec: { clusterIP: 'None' },
    }).objects;
    expect(object?.key).toBe('default/api');
    expect(object).toMatchObject({ object: { clusterIPs: [] } });
  });

  test('keeps only the annotations of Detour, without their prefix, whatever their names', () => {
    const annotations = { 'detour.dev/host': 'shop.example.com', other: 3, 'detour.dev/__proto__': 'x' };
    const [object] = project(service({}, { annotations, creationTimestamp: '2026-01-01T00:00:00Z' })).objects;
    const kept = object?.kind === 'service' ? object.object : undefined;
    expect(Object.entries(kept?.annotations ?? {})).toEqual([
      ['host', 'shop.example.com'],
      ['__proto__', 'x'],
    ]);
    expect(kept?.createdAt).toBe(Date.UTC(2026, 0, 1));
  });

  test('has each of its IPs once, by one text', () => {
    const [object] = project(service({ clusterIPs: ['10.0.0.1', 'FD00::A', '10.0.0.1', 'fd00::a'] })).objects;
    expect(object).toMatchObject({ object: { clusterIPs: ['10.0.0.1', 'fd00::a'] } });
  });

  test.each([
    [
      'a port that is no number',
      { ports: [{ port: 'http' }] },
      'spec.ports[0].port must be a port number from 1 to 65535, not "http"',
    ],
    ['a port of a number too high', { ports: [{ port: 65536 }] }, 'spec.ports[0].port'],
    [
      'two ports of one number',
      {
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 80 },
        ],
      },
      'spec.ports[1].port repeats',
    ],
    [
      'two ports of one name',
      {
        ports: [
          { name: 'a', port: 80 },
          { name: 'a', port: 81 },
        ],
      },
      'spec.ports[1].name repeats',
    ],
    ['ports that are no list', { ports: { port: 80 } }, 'spec.ports must be a list, not a map'],
    ['a type that does not exist', { type: 'Balancer' }, 'spec.type must be ClusterIP, NodePort, LoadBalancer, ExternalName'],
    ['a ClusterIP that is none', { clusterIPs: ['10.0.0.1', 'ten'] }, 'spec.clusterIPs[1] must be an IP address, not "ten"'],
  ])('with %s is a problem that names file, document and field', (_, spec, message) => {
    const { objects, problems, incomplete } = project(service(spec));
    expect(objects).toEqual([]);
    expect(incomplete).toBe(true);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'InvalidObject', subject: { kind: 'Service', key: 'shop/api' } });
    expect(problems[0]?.message).toContain('a.yaml, document 2: Service shop/api: ');
    expect(problems[0]?.message).toContain(message);
  });

  test('tells at most five of its mistakes one by one', () => {
    const ports = Array.from({ length: 1000 }, () => ({ port: 'x' }));
    const [problem] = project(service({ ports })).problems;
    expect(problem?.message.length).toBeLessThan(1000);
    expect(problem?.message).toContain('and 995 more');
  });

  test.each([
    ['a bad name', { name: 'Api_1' }, 'metadata.name'],
    ['a bad namespace', { namespace: 'a/b' }, 'metadata.namespace'],
    ['a number as an annotation', { annotations: { 'detour.dev/percent': 50 } }, 'put it in quotes'],
    ['a number as the label', { labels: { 'detour.dev/preview': 42 } }, 'metadata.labels[detour.dev/preview]'],
    ['a creationTimestamp that is none', { creationTimestamp: 'yesterday' }, 'metadata.creationTimestamp'],
  ])('with %s is a problem', (_, metadata, message) => {
    expect(project(service({}, metadata)).problems[0]?.message).toContain(message);
  });
});

describe('an EndpointSlice', () => {
  test('takes a missing `ready` as true and a missing `serving` as ready', () => {
    const conditions = [undefined, {}, { ready: false }, { ready: false, serving: true, terminating: true }];
    const [object] = project(slice(conditions.map((each) => ({ addresses: ['10.1.0.1'], conditions: each })))).objects;
    expect(
      object?.kind === 'slice'
        ? object.object.endpoints.map(({ ready, serving, terminating }) => [ready, serving, terminating])
        : [],
    ).toEqual([
      [true, true, false],
      [true, true, false],
      [false, false, false],
      [false, true, true],
    ]);
  });

  test('knows the pod behind an endpoint, in its own namespace where the reference names none', () => {
    const [object] = project(
      slice([{ addresses: ['10.1.0.1'], targetRef: { kind: 'Pod', name: 'api-x' } }, { addresses: ['10.1.0.2'] }]),
    ).objects;
    expect(object).toMatchObject({ object: { service: 'shop/api', endpoints: [{ pod: 'shop/api-x' }, { pod: undefined }] } });
  });

  test('knows no pod of another namespace: whoever writes slices by hand makes no pods of others his', () => {
    const ref = (namespace: string) => ({ kind: 'Pod', namespace, name: 'api-x' });
    const [object] = project(
      slice([
        { addresses: ['10.1.0.1'], targetRef: ref('web') },
        { addresses: ['10.1.0.2'], targetRef: ref('shop') },
      ]),
    ).objects;
    expect(object).toMatchObject({ object: { endpoints: [{ pod: undefined }, { pod: 'shop/api-x' }] } });
  });

  test.each([
    ['an address of the other family', slice([{ addresses: ['::1'] }]), 'endpoints[0].addresses[0] must be an IPv4 address'],
    ['no address', slice([{ addresses: [] }]), 'endpoints[0].addresses must name at least one address'],
    ['no addressType', slice([], { addressType: undefined }), 'addressType is missing'],
    ['an old apiVersion', slice([], { apiVersion: 'discovery.k8s.io/v1beta1' }), 'apiVersion must be discovery.k8s.io/v1'],
    ['no Service', slice([], { metadata: { name: 'x' } }), 'metadata.labels[kubernetes.io/service-name] is missing'],
  ])('with %s is a problem', (_, object, message) => {
    expect(project(object).problems[0]?.message).toContain(message);
  });

  test('without endpoints or ports may say so by null, and a port without a number is none of a Service', () => {
    const empty = project(slice([], { endpoints: null, ports: null }));
    expect(empty).toMatchObject({ problems: [], objects: [{ object: { endpoints: [], ports: [] } }] });
    const sparse = { addresses: ['10.0.0.1'], conditions: null, targetRef: null, hostname: null, zone: null };
    const { objects, problems } = project(slice([sparse], { ports: [{ name: null, port: null, protocol: 'TCP' }] }));
    expect(problems).toEqual([]);
    expect(objects).toMatchObject([{ object: { ports: [], endpoints: [{ ready: true, pod: undefined }] } }]);
  });
});

describe('a Pod', () => {
  test('without the preview label is not kept', () => {
    expect(project(pod({ metadata: { labels: { app: 'api' } } }))).toEqual({ objects: [], problems: [], incomplete: false });
  });

  test('that asks to intercept without the preview label is a problem', () => {
    const { problems } = project(pod({ metadata: { labels: {}, annotations: { 'detour.dev/intercept': 'api' } } }));
    expect(problems).toMatchObject([{ code: 'InvalidKey', subject: { kind: 'Pod', key: 'shop/api-x' } }]);
  });

  test('with a misspelt label is told so, with however many of them in one problem', () => {
    const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`detour.dev/previw${index}`, 'x']));
    const { problems } = project(pod({ metadata: { labels } }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'UnknownAnnotation' });
    expect(problems[0]?.message).toContain('detour.dev/previw0');
    expect(problems[0]?.message).toContain('9997 more');
  });

  test('is ready when its Ready condition is True, and leaves when it is deleted or has ended', () => {
    const state = (status: object, metadata: object = {}) => {
      const [object] = project(pod({ status, metadata })).objects;
      return object?.kind === 'pod' ? [object.object.ready, object.object.leaving] : undefined;
    };
    const ready = {
      conditions: [
        { type: 'Initialized', status: 'False' },
        { type: 'Ready', status: 'True' },
      ],
    };
    expect(state({})).toEqual([false, false]);
    expect(state(ready)).toEqual([true, false]);
    expect(state({ conditions: [{ type: 'Ready', status: 'False' }] })).toEqual([false, false]);
    expect(state(ready, { deletionTimestamp: '2026-01-01T00:00:00Z' })).toEqual([true, true]);
    expect(state({ phase: 'Succeeded' })).toEqual([false, true]);
    expect(state({ phase: 'Failed' })).toEqual([false, true]);
  });

  test.each([
    [
      'the hash that its label names',
      { kind: 'ReplicaSet', name: 'api-pr-42-6d4f', controller: true },
      '6d4f',
      { kind: 'Deployment', name: 'api-pr-42' },
    ],
    [
      'what looks like a hash',
      { kind: 'ReplicaSet', name: 'api-pr-42-6d4f9c7b8', controller: true },
      undefined,
      { kind: 'Deployment', name: 'api-pr-42' },
    ],
    [
      'nothing, where there is no hash',
      { kind: 'ReplicaSet', name: 'api', controller: true },
      undefined,
      { kind: 'ReplicaSet', name: 'api' },
    ],
    [
      'nothing from other kinds',
      { kind: 'StatefulSet', name: 'api-12345', controller: true },
      undefined,
      { kind: 'StatefulSet', name: 'api-12345' },
    ],
    ['and an owner that is no controller', { kind: 'ReplicaSet', name: 'api-12345' }, undefined, { kind: 'Pod', name: 'api-x' }],
  ])('belongs to its controller without %s', (_, owner, hash, controller) => {
    const labels = { 'detour.dev/preview': 'pr-42', ...(hash === undefined ? {} : { 'pod-template-hash': hash }) };
    const [object] = project(pod({ metadata: { labels, ownerReferences: [owner] } })).objects;
    expect(object).toMatchObject({ object: { controller } });
  });

  test('has its IPs, and its named TCP ports with those of sidecars', () => {
    const ports = [
      { name: 'http', containerPort: 8080 },
      { containerPort: 9 },
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
    ];
    const initContainers = [
      { ports: [{ name: 'init', containerPort: 1 }] },
      {
        restartPolicy: 'Always',
        ports: [
          { name: 'side', containerPort: 2 },
          { name: 'http', containerPort: 3 },
        ],
      },
    ];
    const [object] = project(pod({ spec: { containers: [{ ports }], initContainers }, status: { podIP: '10.1.0.1' } })).objects;
    expect(object).toMatchObject({ object: { ips: ['10.1.0.1'], ports: { http: 8080, side: 2 } } });
    const [dual] = project(pod({ status: { podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }, { ip: 'fd00::1' }] } })).objects;
    expect(dual).toMatchObject({ object: { ips: ['10.1.0.1', 'fd00::1'] } });
  });
});

describe('other things', () => {
  test('other kinds are ignored, also those that share a name with ours', () => {
    for (const kind of ['ConfigMap', 'Deployment', 'constructor', '__proto__'])
      expect(project({ apiVersion: 'v1', kind, metadata: { name: 'x' } })).toEqual({
        objects: [],
        problems: [],
        incomplete: false,
      });
    expect(project({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'x' } }).problems).toEqual([]);
  });

  test('a Deployment with annotations on itself but not on its template is a problem, with them on both it is none', () => {
    const annotations = { 'detour.dev/intercept': 'api' };
    const deployment = (template: object) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', annotations },
      spec: { template },
    });
    expect(project(deployment({})).problems).toMatchObject([
      { code: 'MisplacedAnnotation', subject: { kind: 'File', key: 'a.yaml' } },
    ]);
    expect(project(deployment({ metadata: { annotations } })).problems).toEqual([]);
  });

  test.each([
    ['a text', 'hello', 'not a Kubernetes object'],
    ['a number', 3, 'not a Kubernetes object'],
    ['a list', [1], 'not a Kubernetes object'],
    ['a map without kind', { a: 1 }, 'kind is missing'],
    ['a Service without apiVersion', { kind: 'Service' }, 'apiVersion must be v1'],
    ['a Service without metadata', { apiVersion: 'v1', kind: 'Service' }, 'metadata.name is missing'],
    ['a Service that is all wrong', { apiVersion: 'v1', kind: 'Service', metadata: 7, spec: 'x' }, 'metadata must be a map'],
  ])('%s is a problem', (_, value, message) => {
    expect(project(value).problems[0]).toMatchObject({ code: 'InvalidObject', subject: { kind: 'File', key: 'a.yaml' } });
    expect(project(value).problems[0]?.message).toContain(message);
  });

  test('a List gives its items in their order; items of a PodList need no kind; one bad item spoils only itself', () => {
    const items = [service({}, { name: 'a' }), 'junk', { apiVersion: 'v1', kind: 'List', items: [service({}, { name: 'b' })] }];
    const { objects, problems, incomplete } = project({ apiVersion: 'v1', kind: 'List', items });
    expect(objects.map(({ key }) => key)).toEqual(['shop/a', 'shop/b']);
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('a.yaml, document 2, items[1]')]);
    expect(incomplete).toBe(true);
    const podList = { apiVersion: 'v1', kind: 'PodList', items: [{ ...pod({}), kind: undefined, apiVersion: undefined }] };
    expect(project(podList).objects).toMatchObject([{ kind: 'pod', key: 'shop/api-x' }]);
  });

  test('Lists in Lists without end are no reason to fall', () => {
    let nested: object = service({});
    for (let depth = 0; depth < 50_000; depth += 1) nested = { kind: 'List', items: [nested] };
    expect(project(nested).objects).toHaveLength(1);
  });
});
