/** Objects that tests of Events write by hand: what controllers would, and the rights of the control plane. */
import type { KubernetesObject } from '../kubernetes/api-client.ts';

const RBAC = 'rbac.authorization.k8s.io';
const READ = ['get', 'list', 'watch'];

type Rule = readonly [group: string, resources: readonly string[], verbs: readonly string[]];

/** What serving needs, in each namespace that is read. */
export const READ_RULES: readonly Rule[] = [
  ['', ['services', 'pods'], READ],
  ['discovery.k8s.io', ['endpointslices'], READ],
];
/** What `--events` needs, in each namespace that is read. */
export const EVENT_RULES: readonly Rule[] = [
  ['', ['events'], ['get', 'list', 'create', 'update']],
  ['', ['pods', 'services'], ['get']],
  ['apps', ['deployments', 'statefulsets', 'daemonsets', 'replicasets'], ['get']],
  ['batch', ['jobs'], ['get']],
  ['discovery.k8s.io', ['endpointslices'], ['get']],
];
/** What `--delete-expired` needs, in each namespace that is read. */
export const DELETE_RULES: readonly Rule[] = [
  ['apps', ['deployments', 'statefulsets', 'replicasets'], ['get', 'list', 'delete']],
  ['', ['pods'], ['get', 'list', 'delete']],
];
/** What either needs in the namespace of the Lease. */
export const LEASE_RULES: readonly Rule[] = [['coordination.k8s.io', ['leases'], ['get', 'create', 'update']]];

/** What `--events` needs there beside it, to ask the other replicas for their receipts. */
export const PEER_RULES: readonly Rule[] = [['', ['pods'], ['list']]];

/** A Role and its binding to a user. */
export function role(user: string, namespace: string, rules: readonly Rule[]): readonly KubernetesObject[] {
  const metadata = { name: user, namespace };
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'Role',
      metadata,
      rules: rules.map(([group, resources, verbs]) => ({ apiGroups: [group], resources, verbs })),
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: user },
      subjects: [{ kind: 'User', apiGroup: RBAC, name: user }],
    },
  ];
}

export function namespace(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** Service `api` with one endpoint, and a host at gateways. */
export function baseline(inNamespace = 'shop'): readonly KubernetesObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api', namespace: inNamespace, annotations: { 'detour.dev/host': 'shop.example.com' } },
      spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'api-1', namespace: inNamespace, labels: { 'kubernetes.io/service-name': 'api' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
    },
  ];
}

/** Nobody is behind it. */
export function service(name: string, inNamespace = 'shop'): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: inNamespace },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

interface Marks {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly object[];
}

export function deployment(name: string, marks: Marks = {}, inNamespace = 'shop'): KubernetesObject {
  return workload('Deployment', name, marks, inNamespace);
}

export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'ReplicaSet' | 'DaemonSet',
  name: string,
  marks: Marks = {},
  inNamespace = 'shop',
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: inNamespace, ...marks },
    spec: {
      selector: { matchLabels: { app: name } },
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'shop' }] } },
    },
  };
}

/** A ready replica of the control plane, which listens on this machine. */
export function replicaPod(name: string, adminPort: number): KubernetesObject {
  const labels = { 'app.kubernetes.io/name': 'detour', 'app.kubernetes.io/component': 'control-plane' };
  const ports = [{ name: 'admin', containerPort: adminPort }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'detour-system', labels },
    spec: { nodeName: 'node-1', containers: [{ name: 'control-plane', image: 'detour', ports }] },
    status: {
      phase: 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** A ready pod of a Deployment, as its ReplicaSet would make it. */
export function previewPod(
  owner: string,
  key: string,
  annotations: Readonly<Record<string, string>> = { 'detour.dev/intercept': 'api' },
  inNamespace = 'shop',
): KubernetesObject {
  const hash = 'abcde12345';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${owner}-${hash}-x1x1x`,
      namespace: inNamespace,
      labels: { app: owner, 'detour.dev/preview': key, 'pod-template-hash': hash },
      annotations,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${owner}-${hash}`, uid: 'no-replica-set', controller: true },
      ],
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'shop', ports: [{ containerPort: 8080 }] }] },
    status: {
      phase: 'Running',
      podIP: '10.1.0.9',
      podIPs: [{ ip: '10.1.0.9' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}
