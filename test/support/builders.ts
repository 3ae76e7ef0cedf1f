/**
 * Objects of the cluster for tests: each is whole and ordinary, what matters to the test is said over it. As they stand,
 * Service `shop/api` has one ready baseline pod, and `aPod()` is preview `pr-42` of it.
 */
import type {
  ClusterChange,
  ClusterKind,
  Endpoint,
  EndpointSlice,
  Pod,
  Service,
  ServicePort,
} from '../../src/model/cluster-state.ts';
import { type ObjectKey, objectKey } from '../../src/model/names.ts';

export function aPort(over: Partial<ServicePort> = {}): ServicePort {
  return { name: 'http', port: 80, targetPort: 8080, transport: 'TCP', appProtocol: '', ...over };
}

export function aService(over: Partial<Service> = {}): Service {
  return {
    namespace: 'shop',
    name: 'api',
    createdAt: 1_000,
    type: 'ClusterIP',
    clusterIPs: ['10.96.0.1'],
    previewLabel: '',
    annotations: {},
    ports: [aPort()],
    ...over,
  };
}

export function anEndpoint(over: Partial<Endpoint> = {}): Endpoint {
  return { addresses: ['10.0.0.1'], ready: true, serving: true, terminating: false, pod: undefined, ...over };
}

/** Of `shop/api`; named after its Service, where nothing is said. */
export function aSlice(over: Partial<EndpointSlice> = {}): EndpointSlice {
  const service = over.service ?? 'shop/api';
  const [namespace = '', name = ''] = service.split('/');
  return {
    namespace,
    name: `${name}-1`,
    service,
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [anEndpoint({ pod: `${namespace}/${name}-0` })],
    ...over,
  };
}

/** Its Deployment is named after the key: `api-pr-42`; so is the pod. */
export function aPod(over: Partial<Pod> = {}): Pod {
  const name = `api-${over.previewLabel ?? 'pr-42'}`;
  return {
    namespace: 'shop',
    name: `${name}-1`,
    createdAt: 2_000,
    previewLabel: 'pr-42',
    annotations: { intercept: 'api' },
    controller: { kind: 'Deployment', name },
    ips: ['10.0.1.1'],
    ready: true,
    leaving: false,
    ports: {},
    ...over,
  };
}

export type ClusterObject = Service | EndpointSlice | Pod;

export function keyOf(object: ClusterObject): ObjectKey {
  return objectKey(object.namespace, object.name);
}

/** The change that brings each object as it is. */
export function puts(...objects: readonly ClusterObject[]): readonly ClusterChange[] {
  return objects.map((object) => {
    const key = keyOf(object);
    if ('controller' in object) return { kind: 'pod', key, object };
    return 'endpoints' in object ? { kind: 'slice', key, object } : { kind: 'service', key, object };
  });
}

/** The change that takes each object away. */
export function removes(...objects: readonly ClusterObject[]): readonly ClusterChange[] {
  return puts(...objects).map(({ kind, key }) => removal(kind, key));
}

export function removal(kind: ClusterKind, key: ObjectKey): ClusterChange {
  return { kind, key, object: undefined };
}
