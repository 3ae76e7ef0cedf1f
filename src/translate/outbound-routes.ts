/** What an outbound sidecar with explicit ports routes: calls of its pod (design, section 3, "Sidecar outbound"). */
import type { PortModel, ServiceModel } from '../model/intercept.ts';
import { decide } from './decision.ts';
import { callerHop } from './hops.ts';
import { clusterName, OUTBOUND_NAME } from './names.ts';
import type { EnvoyResource } from './resource.ts';
import { serviceNames } from './service-names.ts';
import { routeConfiguration, type VirtualHostPart, virtualHostPart, withOwnDomains } from './virtual-host.ts';

/** A virtual host for each HTTP port. @param short the caller is in the Service's namespace. */
export function outboundParts(service: ServiceModel, short: boolean, carrier: string): readonly VirtualHostPart[] {
  // Its name is an alias of a host elsewhere: there is nothing here to send to.
  if (service.external) return [];
  const ports = service.ports.filter((port) => port.protocol !== 'opaque');
  const names = serviceNames(service, short);
  const withoutPort = impliedPort(ports);
  const hop = callerHop(carrier);
  return ports.map((port) => {
    const exact = names.map((name) => `${name}:${port.port}`);
    return virtualHostPart({
      name: clusterName({ kind: 'baseline', service: service.key, port: port.port }),
      domains: port === withoutPort ? [...names, ...exact] : exact,
      carrier,
      paths: [{ prefix: '/', decision: decide([port], hop) }],
    });
  });
}

/** What a URL without a port means. */
function impliedPort(ports: readonly PortModel[]): PortModel | undefined {
  return ports.find((port) => port.port === 80) ?? ports[0];
}

/** @param parts in the order of their Services' keys: of two that have a name in common the first keeps it. */
export function outboundConfiguration(parts: readonly VirtualHostPart[]): EnvoyResource {
  return routeConfiguration(OUTBOUND_NAME, [...withOwnDomains(parts), UNKNOWN]);
}

const UNKNOWN: VirtualHostPart = {
  virtualHost: {
    name: '*',
    domains: ['*'],
    routes: [
      {
        match: { prefix: '/' },
        direct_response: {
          status: 404,
          body: {
            inline_string:
              'Detour: no Service with an HTTP port is known here by the host of this request. ' +
              'This sidecar knows those of its own namespace and those that node.metadata.services names.\n',
          },
        },
      },
    ],
  },
  clusters: [],
  intercepts: [],
};
