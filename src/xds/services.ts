/** The gRPC services of xDS: the aggregated one and one for each type. */
import type { Method } from '../grpc/call.ts';
import type { ResourceType } from '../translate/resource.ts';
import type { Protocol } from './session.ts';
import { factsOf } from './type-urls.ts';

export interface XdsMethod {
  readonly protocol: Protocol;
  /** undefined: aggregated. */
  readonly typeUrl: string | undefined;
}

const SERVICES: readonly { readonly name: string; readonly suffix: string; readonly type: ResourceType | undefined }[] = [
  { name: 'envoy.service.discovery.v3.AggregatedDiscoveryService', suffix: 'AggregatedResources', type: undefined },
  { name: 'envoy.service.cluster.v3.ClusterDiscoveryService', suffix: 'Clusters', type: 'cluster' },
  { name: 'envoy.service.endpoint.v3.EndpointDiscoveryService', suffix: 'Endpoints', type: 'endpoints' },
  { name: 'envoy.service.listener.v3.ListenerDiscoveryService', suffix: 'Listeners', type: 'listener' },
  { name: 'envoy.service.route.v3.RouteDiscoveryService', suffix: 'Routes', type: 'route' },
  { name: 'envoy.service.route.v3.ScopedRoutesDiscoveryService', suffix: 'ScopedRoutes', type: 'scopedRoute' },
];

/** S1: aggregated and by type, State-of-the-World and delta. @returns the methods by their path */
export function xdsMethods(handle: (method: XdsMethod) => Method): ReadonlyMap<string, Method> {
  return new Map(
    SERVICES.flatMap(({ name, suffix, type }) => {
      const typeUrl = type === undefined ? undefined : factsOf(type).typeUrl;
      return [
        [`/${name}/Stream${suffix}`, handle({ protocol: 'sotw', typeUrl })] as const,
        [`/${name}/Delta${suffix}`, handle({ protocol: 'delta', typeUrl })] as const,
      ];
    }),
  );
}

/** CSDS: the stream answers every request, the other one once. */
export function statusMethods(stream: Method, fetch: Method): ReadonlyMap<string, Method> {
  const service = '/envoy.service.status.v3.ClientStatusDiscoveryService';
  return new Map([
    [`${service}/StreamClientStatus`, stream],
    [`${service}/FetchClientStatus`, fetch],
  ]);
}
