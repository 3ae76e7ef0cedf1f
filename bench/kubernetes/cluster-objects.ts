/** The objects of a large cluster: Services, the EndpointSlice of each, and preview pods for some of them. */
import type { KubernetesObject } from '../../test/support/kubernetes/api-client.ts';

export interface ClusterSize {
  /** Each with one EndpointSlice. */
  readonly services: number;
  /** Of each Service. */
  readonly endpoints: number;
  readonly previews: number;
  /** Services with a public host: those that a gateway serves. */
  readonly hosts: number;
}

export const NAMESPACE = 'shop';
export const GATEWAY_NODE = `gateway~${NAMESPACE}/edge`;

export function serviceName(index: number): string {
  return `service-${index}`;
}

/** Named as a Deployment's pods are. */
export function previewName(index: number): string {
  return `service-${index}-pr-${index}-5d9c7b6f4-x2x7k`;
}

export function hostOf(index: number): string {
  return `${serviceName(index)}.example.com`;
}

function labels(index: number): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': serviceName(index),
    'app.kubernetes.io/part-of': 'shop',
    'app.kubernetes.io/managed-by': 'Helm',
    'helm.sh/chart': 'service-1.24.3',
  };
}

export function service(index: number, { hosts }: ClusterSize): KubernetesObject {
  const annotations = {
    'meta.helm.sh/release-name': serviceName(index),
    'meta.helm.sh/release-namespace': NAMESPACE,
    ...(index < hosts ? { 'detour.dev/host': hostOf(index) } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceName(index), namespace: NAMESPACE, labels: labels(index), annotations },
    spec: {
      selector: { 'app.kubernetes.io/name': serviceName(index) },
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
    },
  };
}

export function slice(index: number, { endpoints }: ClusterSize): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName(index)}-8k2lq`,
      namespace: NAMESPACE,
      labels: {
        ...labels(index),
        'kubernetes.io/service-name': serviceName(index),
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-31T12:00:00Z' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, number) => endpoint(index, index * endpoints + number)),
  };
}

function endpoint(service: number, number: number): object {
  return {
    addresses: [address(number)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${number % 100}`,
    zone: `zone-${number % 3}`,
    targetRef: {
      kind: 'Pod',
      namespace: NAMESPACE,
      name: `${serviceName(service)}-7f9c5d7d9b-${(100_000 + number).toString(36)}`,
      uid: `5b2f8c1e-3d4a-4f6b-9c7d-${String(number).padStart(12, '0')}`,
    },
  };
}

/** A preview of the Service of the same number; its status is what a kubelet would write. */
export function previewPod(index: number): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: previewName(index),
      namespace: NAMESPACE,
      labels: { app: `service-${index}-pr-${index}`, 'pod-template-hash': '5d9c7b6f4', 'detour.dev/preview': `pr-${index}` },
      annotations: { 'detour.dev/intercept': serviceName(index), 'detour.dev/match': `x-user=user-${index}` },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `service-${index}-pr-${index}-5d9c7b6f4`,
          uid: `7c1d2e3f-1a2b-4c3d-8e4f-${String(index).padStart(12, '0')}`,
          controller: true,
        },
      ],
    },
    spec: {
      nodeName: `node-${index % 100}`,
      containers: [
        {
          name: 'main',
          image: `registry.example.com/shop/${serviceName(index)}:pr-${index}`,
          ports: [{ name: 'http', containerPort: 8080 }],
          env: Array.from({ length: 20 }, (_, number) => ({
            name: `SETTING_${number}`,
            value: `value ${number} of the service`,
          })),
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 5 },
        },
      ],
    },
    status: podStatus(index, true),
  };
}

export function podStatus(index: number, ready: boolean): object {
  const ip = `10.99.${index >> 8}.${index & 255}`;
  const time = '2026-01-31T12:00:00Z';
  return {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: type === 'Ready' && !ready ? 'False' : 'True',
      lastTransitionTime: time,
    })),
  };
}

/** 10.77.0.0 to 10.78.255.255: the API server takes no loopback address. */
function address(number: number): string {
  return `10.${77 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}
