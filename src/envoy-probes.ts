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
/** How often a listener took certificates: the end of the name of a counter. */
const CONTEXTS = 'server_ssl_socket_factory.ssl_context_update_by_sds';
const FILTERS = 'envoy.filters.http';
const EXTENSIONS = 'type.googleapis.com/envoy.extensions.filters';

/** Envoy's admin endpoint takes changes by POST only. */
function drain(path: string): string {
  return `  if handle:headers():get(":path") == "/drain" then
    local drain = {[":method"] = "POST", [":path"] = "${path}", [":authority"] = "admin"}
    handle:httpCall("${ADMIN}", drain, "", 1000)
  end
`;
}

function script(before: string, onRequest: string): string {
  return `${before}function envoy_on_request(handle)
${onRequest}end
`;
}

/** Closes listeners after the drain time, and connections as their requests are answered. */
const DRAIN = drain('/drain_listeners?graceful&skip_exit');
/** Connections alone: the app of a captured pod goes on calling, through these very listeners, until it has ended. */
const DRAIN_CAPTURED = drain('/healthcheck/fail');

/** Envoy calls itself ready when it has looked for certificates, found or not. Asked until there were some. */
const CERTIFICATES = `  if handle:headers():get(":path") == "/ready" and not shown then
    local query = {[":method"] = "GET", [":path"] = "/stats?filter=${CONTEXTS}$", [":authority"] = "admin"}
    local _, stats = handle:httpCall("${ADMIN}", query, "", 1000)
    shown = tonumber(string.match(stats or "", "${CONTEXTS}: (%d+)") or 0) > 0
    if not shown then handle:respond({[":status"] = "503"}, "no certificate could be loaded\\n") end
  end
`;

/** What `/ready` means, and `/drain` does. */
export const PROBE_SCRIPTS = {
  usual: script('', DRAIN),
  /** A gateway that ends TLS. */
  tls: script('local shown = false\n\n', DRAIN + CERTIFICATES),
  /** The sidecar of a pod whose traffic is captured: it ends after the pod's app, and `/drain` need not hold anything back. */
  captured: script('', DRAIN_CAPTURED),
} as const;

/** An `envoy.config.listener.v3.Listener`. It answers nothing before the first configuration is there: not ready. */
export function probeListener(address: SocketAddress, of: keyof typeof PROBE_SCRIPTS = 'usual'): object {
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
                filter('lua', 'lua.v3.Lua', { default_source_code: { inline_string: PROBE_SCRIPTS[of] } }),
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
                        ...(of !== 'captured' && { typed_per_filter_config: HELD_BACK }),
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

const HELD_BACK = {
  [`${FILTERS}.fault`]: {
    '@type': `${EXTENSIONS}.http.fault.v3.HTTPFault`,
    delay: { fixed_delay: `${DRAIN_SECONDS}s`, percentage: { numerator: 100 } },
  },
};

function filter(name: string, type: string, config: object): object {
  return { name: `${FILTERS}.${name}`, typed_config: { '@type': `${EXTENSIONS}.http.${type}`, ...config } };
}
