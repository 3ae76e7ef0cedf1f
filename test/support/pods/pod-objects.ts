/** Kubernetes objects of the tests' pods: of the families that they have, with all the ports of `pod-ports.ts`. */
import type { KubernetesObject } from '../world/manifests.ts';
import type { PodAddresses } from './pod-network.ts';
import { PORTS } from './pod-ports.ts';

export const NAMESPACE = 'shop';

export interface PodRecord {
  readonly name: string;
  readonly addresses: PodAddresses;
  readonly ready: boolean;
}

export function serviceObject(name: string, clusterIps: PodAddresses): KubernetesObject {
  const ports = Object.values(PORTS).map(({ name: portName, pod, service, ...rest }) => ({
    name: portName,
    port: service,
    targetPort: pod,
    ...rest,
  }));
  const clusterIPs = [clusterIps.ipv4, clusterIps.ipv6].filter((ip) => ip !== '');
  const spec = { type: 'ClusterIP', clusterIP: clusterIPs[0], clusterIPs, ports };
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: NAMESPACE, name }, spec };
}

/** A slice for each family. */
export function sliceObjects(service: string, pods: readonly PodRecord[]): readonly KubernetesObject[] {
  return (['ipv4', 'ipv6'] as const).map((family) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: NAMESPACE, name: `${service}-${family}`, labels: { 'kubernetes.io/service-name': service } },
    addressType: family === 'ipv4' ? 'IPv4' : 'IPv6',
    ports: Object.values(PORTS).map(({ name, pod }) => ({ name, port: pod, protocol: 'TCP' })),
    endpoints: pods
      .filter(({ addresses }) => addresses[family] !== '')
      .map(({ name, addresses, ready }) => ({
        addresses: [addresses[family]],
        conditions: { ready, serving: ready, terminating: false },
        targetRef: { kind: 'Pod', namespace: NAMESPACE, name },
      })),
  }));
}

/** A preview's pod. */
export function previewObject({ name, addresses, ready }: PodRecord, service: string, key: string): KubernetesObject {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${service}-${key}-5d4f8c7b9`, controller: true };
  const metadata = {
    namespace: NAMESPACE,
    name,
    labels: { 'pod-template-hash': '5d4f8c7b9', 'detour.dev/preview': key },
    annotations: { 'detour.dev/intercept': service },
    ownerReferences: [owner],
    creationTimestamp: new Date(Date.UTC(2026, 0, 1)).toISOString(),
  };
  const podIPs = [addresses.ipv4, addresses.ipv6].flatMap((ip) => (ip === '' ? [] : [{ ip }]));
  const ports = Object.values(PORTS).map((port) => ({ name: port.name, containerPort: port.pod, protocol: 'TCP' }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { containers: [{ name: 'app', image: 'app', ports }] },
    status: {
      phase: 'Running',
      podIP: podIPs[0]?.ip,
      podIPs,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}
