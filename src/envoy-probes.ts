/**
 * What of Envoy's admin endpoint may be seen from outside, on a listener of its own: the endpoint itself can end the
 * process and shows everything, so it stays on loopback. All of it is GET, as a kubelet asks.
 */
import type { SocketAddress } from './model/proxy.ts';

/**
 * `/drain` is answered after so long: as a `preStop` hook it holds back the signal that ends Envoy, which ends every
 * request at once. Meanwhile connections are closed as soon as their requests are answered.
 */
export const DRAIN_SECONDS = 15;

const ADMIN = 'admin';
const FILTERS = 'envoy.filters.http';
const EXTENSIONS = 'type.googleapis.com/envoy.extensions.filters';

/** Envoy's admin endpoint takes changes by POST only. */
const DRAIN = `function envoy_on_request(handle)
  if handle:headers():get(":path") == "/drain" then
    local drain = {[":method"] = "POST", [":path"] = "/drain_listeners?graceful&skip_exit", [":authority"] = "admin"}
    handle:httpCall("${ADMIN}", drain, "", 1000)
  end
end
`;

/** An `envoy.config.listener.v3.Listener`. It answers nothing before the first configuration is there: not ready. */
export function probeListener(address: SocketAddress): object {
  return {
    name: 'probes',
    address: socketAddress(address),
    // Many users must not make a gateway look dead.
    ignore_global_conn_limit: true,
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: 'probes',
              http_filters: [
                filter('lua', 'lua.v3.Lua', { default_source_code: { inline_string: DRAIN } }),
                filter('fault', 'fault.v3.HTTPFault', {}),
                filter('router', 'router.v3.Router', {}),
              ],
              route_config: {
                name: 'probes',
                virtual_hosts: [
                  {
                    name: 'probes',
                    domains: ['*'],
                    routes: [
                      { match: { path: '/ready' }, route: { cluster: ADMIN } },
                      { match: { path: '/stats/prometheus' }, route: { cluster: ADMIN } },
                      {
                        match: { path: '/drain' },
                        direct_response: { status: 200, body: { inline_string: 'drained\n' } },
                        typed_per_filter_config: {
                          [`${FILTERS}.fault`]: {
                            '@type': `${EXTENSIONS}.http.fault.v3.HTTPFault`,
                            delay: { fixed_delay: `${DRAIN_SECONDS}s`, percentage: { numerator: 100 } },
                          },
                        },
                      },
                    ],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  };
}

/** The `envoy.config.cluster.v3.Cluster` that its routes name. */
export function probeClusters(admin: SocketAddress): readonly object[] {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socketAddress(admin) } }] }];
  return [{ name: ADMIN, type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: ADMIN, endpoints } }];
}

/** An `envoy.config.core.v3.Address`. */
export function socketAddress({ host, port }: SocketAddress): object {
  return { socket_address: { address: host, port_value: port } };
}

function filter(name: string, type: string, config: object): object {
  return { name: `${FILTERS}.${name}`, typed_config: { '@type': `${EXTENSIONS}.http.${type}`, ...config } };
}
