/**
 * Kubernetes objects as a cluster would have them, for apps on loopback. Every pod is 127.0.0.1 with a port of its own,
 * so a Service's targetPort is the name `http` and each pod has an EndpointSlice to itself.
 */
import type { KubernetesObject } from './manifests.ts';

const PORT_NAME = 'main';

export interface ServiceSpec {
  readonly namespace: string;
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** 80 unless told. */
  readonly port?: number;
  /** `http` unless told; '' for a port that does not say. */
  readonly appProtocol?: string;
  /** `main` unless told: a name that says nothing. The slices have to have it too. */
  readonly portName?: string;
  readonly clusterIP?: string;
  /** Seconds since 2026: older Services win hosts. */
  readonly age?: number;
}

export function service(spec: ServiceSpec): KubernetesObject {
  const { namespace, name, annotations = {}, labels = {} } = spec;
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1) + (spec.age ?? 0) * 1000).toISOString();
  const { appProtocol = 'http', portName = PORT_NAME } = spec;
  const port = { name: portName, port: spec.port ?? 80, targetPort: 'http', ...(appProtocol !== '' && { appProtocol }) };
  return object('v1', 'Service', {
    metadata: { namespace, name, annotations, labels, creationTimestamp },
    spec: { type: 'ClusterIP', clusterIP: spec.clusterIP ?? 'None', ports: [port] },
  });
}

export interface EndpointSpec {
  readonly namespace: string;
  readonly service: string;
  readonly pod: string;
  readonly port: number;
  readonly portName?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
}

export function endpointSlice(spec: EndpointSpec): KubernetesObject {
  const { namespace, pod, port, ready = true, terminating = false } = spec;
  const conditions = { ready: ready && !terminating, serving: ready, terminating };
  return object('discovery.k8s.io/v1', 'EndpointSlice', {
    metadata: { namespace, name: sliceName(spec), labels: { 'kubernetes.io/service-name': spec.service } },
    addressType: 'IPv4',
    ports: [{ name: spec.portName ?? PORT_NAME, port, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions, targetRef: { kind: 'Pod', namespace, name: pod } }],
  });
}

export function sliceName(spec: { readonly service: string; readonly pod: string }): string {
  return `${spec.service}-${spec.pod}`;
}

export interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  /** The `detour.dev/preview` label; none on a baseline pod. */
  readonly key?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The Deployment that owns it. */
  readonly deployment?: string;
  readonly port: number;
  readonly ready?: boolean;
  readonly leaving?: boolean;
  readonly createdAt?: number;
}

export function pod(spec: PodSpec): KubernetesObject {
  const { namespace, name, key, annotations = {}, ready = true } = spec;
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${spec.deployment ?? name}-5d4f8c7b9`, controller: true };
  const times = {
    creationTimestamp: new Date(spec.createdAt ?? Date.UTC(2026, 0, 1)).toISOString(),
    ...(spec.leaving === true ? { deletionTimestamp: new Date(Date.UTC(2026, 0, 2)).toISOString() } : {}),
  };
  const labels = { 'pod-template-hash': '5d4f8c7b9', ...(key === undefined ? {} : { 'detour.dev/preview': key }) };
  return object('v1', 'Pod', {
    metadata: { namespace, name, labels, annotations, ownerReferences: [owner], ...times },
    spec: { containers: [{ name: 'app', image: 'app', ports: [{ name: 'http', containerPort: spec.port, protocol: 'TCP' }] }] },
    status: {
      phase: 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  });
}

/** `detour.dev/` before every name. */
export function detour(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`detour.dev/${name}`, value]));
}

function object(
  apiVersion: string,
  kind: string,
  rest: Pick<KubernetesObject, 'metadata'> & Readonly<Record<string, unknown>>,
): KubernetesObject {
  return { apiVersion, kind, ...rest };
}
