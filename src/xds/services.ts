/** The gRPC services of xDS: the aggregated one and one for each type. Requests and responses are bytes here. */
import type { handleBidiStreamingCall, handleUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ResourceType } from '../translate/resource.ts';
import type { Protocol } from './session.ts';
import { factsOf } from './type-urls.ts';

export interface XdsMethod {
  readonly protocol: Protocol;
  /** undefined: aggregated. */
  readonly typeUrl: string | undefined;
}

export interface XdsService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

const SERVICES: readonly { readonly name: string; readonly suffix: string; readonly type: ResourceType | undefined }[] = [
  { name: 'envoy.service.discovery.v3.AggregatedDiscoveryService', suffix: 'AggregatedResources', type: undefined },
  { name: 'envoy.service.cluster.v3.ClusterDiscoveryService', suffix: 'Clusters', type: 'cluster' },
  { name: 'envoy.service.endpoint.v3.EndpointDiscoveryService', suffix: 'Endpoints', type: 'endpoints' },
  { name: 'envoy.service.listener.v3.ListenerDiscoveryService', suffix: 'Listeners', type: 'listener' },
  { name: 'envoy.service.route.v3.RouteDiscoveryService', suffix: 'Routes', type: 'route' },
  { name: 'envoy.service.route.v3.ScopedRoutesDiscoveryService', suffix: 'ScopedRoutes', type: 'scopedRoute' },
];

/** S1: aggregated and by type, State-of-the-World and delta. */
export function xdsServices(handle: (method: XdsMethod) => handleBidiStreamingCall<Buffer, Buffer>): readonly XdsService[] {
  return SERVICES.map(({ name, suffix, type }) => {
    const typeUrl = type === undefined ? undefined : factsOf(type).typeUrl;
    const methods = [
      { method: `Stream${suffix}`, protocol: 'sotw' },
      { method: `Delta${suffix}`, protocol: 'delta' },
    ] as const;
    return {
      definition: Object.fromEntries(methods.map(({ method }) => [method, streaming(`/${name}/${method}`)])),
      implementation: Object.fromEntries(methods.map(({ method, protocol }) => [method, handle({ protocol, typeUrl })])),
    };
  });
}

/** CSDS: the stream's handler answers every request, the other one once. */
export function statusService(
  stream: handleBidiStreamingCall<Buffer, Buffer>,
  fetch: handleUnaryCall<Buffer, Buffer>,
): XdsService {
  const path = '/envoy.service.status.v3.ClientStatusDiscoveryService';
  return {
    definition: {
      StreamClientStatus: streaming(`${path}/StreamClientStatus`),
      FetchClientStatus: { ...streaming(`${path}/FetchClientStatus`), requestStream: false, responseStream: false },
    },
    implementation: { StreamClientStatus: stream, FetchClientStatus: fetch },
  };
}

/** Responses are encoded already, and requests are decoded by the stream: what grpc-js moves is bytes. */
function streaming(path: string): ServiceDefinition[string] {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}
