/**
 * What the sidecar of a captured pod routes of the pod's own calls: those to Services that have live intercepts, by
 * port number, since that is known of a captured connection. All else goes on untouched to where it was going.
 */
import type { Route, RouteConfiguration, VirtualHost } from '../generated/envoy.d.ts';
import type { ServiceModel } from '../model/intercept.ts';
import { decide } from './decision.ts';
import { capturedHop } from './hops.ts';
import { isIntercepted, numbersOf } from './http-ports.ts';
import { capturedOutboundName, clusterName, ORIGINAL_DESTINATION } from './names.ts';
import type { EnvoyResource } from './resource.ts';
import { ONWARD_RETRY_POLICY } from './retry-policy.ts';
import { LUA_METADATA } from './routes.ts';
import { serviceNames } from './service-names.ts';
import { routeConfiguration, type VirtualHostPart, virtualHostPart, withOwnDomains } from './virtual-host.ts';

/** Virtual hosts by port number. @param short the caller is in the Service's namespace. */
export function capturedParts(
  service: ServiceModel,
  short: boolean,
  carrier: string,
): ReadonlyMap<number, readonly VirtualHostPart[]> {
  const parts = new Map<number, VirtualHostPart[]>();
  for (const port of service.ports) {
    if (!isIntercepted(port)) continue;
    const part = virtualHostPart({
      name: clusterName({ kind: 'baseline', service: service.key, port: port.port }),
      domains: serviceNames(service, short),
      carrier,
      paths: [{ prefix: '/', decision: decide([port], capturedHop(carrier)) }],
    });
    for (const number of numbersOf(service, port)) parts.set(number, [...(parts.get(number) ?? []), part]);
  }
  return parts;
}

/** @param parts in the order of their Services' keys. */
export function capturedConfiguration(number: number, parts: readonly VirtualHostPart[]): EnvoyResource {
  const name = capturedOutboundName(number);
  return routeConfiguration(name, [...withOwnDomains(parts), ONWARD], { ignore_port_in_host_matching: true });
}

const ONWARD_ACTION: Pick<Route, 'route'> = {
  route: { cluster: ORIGINAL_DESTINATION, timeout: '0s', retry_policy: ONWARD_RETRY_POLICY },
};

const ONWARD_HOST: VirtualHost = {
  name: '*',
  domains: ['*'],
  routes: [
    { match: { prefix: '/' }, ...ONWARD_ACTION },
    // A proxy somewhere that the pod asks for a tunnel.
    { match: { connect_matcher: {} }, ...ONWARD_ACTION },
  ],
};

/** What leaves the cluster, by whatever name. */
export const EGRESS_ROUTES: RouteConfiguration = { name: 'egress', virtual_hosts: [ONWARD_HOST] };

/** Nothing is read of such a request, and nothing is set. */
const ONWARD: VirtualHostPart = {
  virtualHost: {
    ...ONWARD_HOST,
    typed_per_filter_config: {
      [LUA_METADATA]: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute', disabled: true },
    },
  },
  clusters: [ORIGINAL_DESTINATION],
  intercepts: [],
};
