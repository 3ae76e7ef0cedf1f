/**
 * What a listener goes by that drains, because its port is no Service's any more. Envoy takes no notice when it is told
 * that such routes are gone: it keeps the last ones, and asks for them by name until the last connection is closed. So
 * each name of a sidecar's means something for ever, whatever was there before: requests go on to where they were going.
 */
import type { VirtualHost } from '../generated/envoy.d.ts';
import { ANY_ADDRESS } from '../model/capture.ts';
import { MARK_HEADER } from '../model/carriers.ts';
import { capturedConfiguration } from './captured-routes.ts';
import { capturedOutboundName, inboundName, ORIGINAL_DESTINATION } from './names.ts';
import type { EnvoyResource } from './resource.ts';
import { luaMetadata } from './routes.ts';
import { routeConfiguration } from './virtual-host.ts';

/** Of an inbound listener. @param cluster of the app */
export function leftoverInbound(name: string, cluster: string): EnvoyResource {
  const virtualHost: VirtualHost = {
    name: '*',
    domains: ['*'],
    routes: [
      {
        name: 'left over',
        match: { prefix: '/' },
        metadata: luaMetadata('route'),
        route: { cluster, timeout: '0s' },
        // As before: who decided is not the app's business.
        request_headers_to_remove: [MARK_HEADER],
      },
    ],
  };
  return routeConfiguration(name, [{ virtualHost, clusters: [cluster], intercepts: [] }], {
    ignore_port_in_host_matching: true,
  });
}

/** Where traffic is captured, either way; undefined for a name that no listener there has. */
export function leftoverCaptured(name: string): EnvoyResource | undefined {
  const port = Number(/^(?:outbound\/|inbound\/0\.0\.0\.0:)(?<port>[1-9]\d{0,4})$/.exec(name)?.groups?.['port']);
  if (!(port < 65_536)) return undefined;
  if (name === capturedOutboundName(port)) return capturedConfiguration(port, []);
  return name === inboundName({ host: ANY_ADDRESS.ipv4, port }) ? leftoverInbound(name, ORIGINAL_DESTINATION) : undefined;
}
