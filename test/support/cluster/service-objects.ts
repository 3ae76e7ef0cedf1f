/** Services and EndpointSlices, as far as stand-ins for kube-proxy and the cluster's DNS read them. */
import type { KubernetesObject } from '../kubernetes/api-client.ts';

export interface ServiceObject {
  readonly spec: {
    readonly clusterIP?: string;
    readonly type?: string;
    readonly externalName?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol: string }[];
  };
}

interface EndpointObject {
  readonly addresses: readonly string[];
  readonly hostname?: string;
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

/** The controller writes `null` where a Service has no pods. */
export interface SliceObject {
  readonly addressType: string;
  readonly ports: readonly { readonly name?: string; readonly port?: number }[] | null;
  readonly endpoints: readonly EndpointObject[] | null;
}

/** `namespace/name` of a slice's Service. */
export function serviceOf({ metadata }: KubernetesObject): string {
  const labels = metadata['labels'] as Readonly<Record<string, string>> | undefined;
  return `${metadata.namespace}/${labels?.['kubernetes.io/service-name'] ?? ''}`;
}

export function slicesOf(slices: Iterable<KubernetesObject>, service: string): readonly SliceObject[] {
  // The API server gives whole EndpointSlices.
  return [...slices].filter((slice) => serviceOf(slice) === service) as unknown as readonly SliceObject[];
}

/** Those that get new connections: the ready ones; without any, those that still serve while they end. */
export function takesConnections(endpoints: readonly EndpointObject[]): readonly EndpointObject[] {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  if (ready.length > 0) return ready;
  return endpoints.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
}

/** `address:port` of a Service's port, by its name. */
export function endpointsOf(slices: readonly SliceObject[], portName: string): readonly string[] {
  const all: { readonly endpoint: EndpointObject; readonly port: number }[] = [];
  for (const { addressType, ports, endpoints } of slices) {
    const port = ports?.find(({ name }) => (name ?? '') === portName)?.port;
    if (addressType !== 'IPv4' || port === undefined) continue;
    for (const endpoint of endpoints ?? []) all.push({ endpoint, port });
  }
  const taken = new Set(takesConnections(all.map(({ endpoint }) => endpoint)));
  return all.filter(({ endpoint }) => taken.has(endpoint)).flatMap(({ endpoint, port }) => `${endpoint.addresses[0]}:${port}`);
}
