/** What an Envoy is started with: who it is, and where the control plane is. Everything else comes from there. */
import { isIP } from 'node:net';
import { captureClusters, captureListeners } from './envoy-capture.ts';
import { type EnvoyCredentials, tlsSocket, tokenFilters } from './envoy-credentials.ts';
import { probeClusters, probeListener, socketAddress } from './envoy-probes.ts';
import { type EnvoyProxy, nodeOf } from './model/node.ts';
import type { SocketAddress } from './model/proxy.ts';
import { RE2_MAX_PROGRAM_SIZE } from './model/re2.ts';

export interface BootstrapOptions {
  readonly proxy: EnvoyProxy;
  /** Where control planes listen, at least one: a stream goes to one of them. Names are resolved again and again. */
  readonly xds: readonly SocketAddress[];
  readonly admin: SocketAddress;
  /** `delta`: only what changed. `sotw`: whole states, for what stands between and knows no better. */
  readonly protocol: 'delta' | 'sotw';
  /** Where a kubelet and Prometheus may ask; undefined: nowhere. */
  readonly probes?: SocketAddress | undefined;
  /** undefined: without TLS, and without saying who it is. */
  readonly credentials?: EnvoyCredentials | undefined;
}

const CONTROL_PLANE = 'detour';

/** For clusters, then for listeners: a pod that finds no control plane starts after twice this time. */
const CAPTURED_WAIT = '5s';

/** An `envoy.config.bootstrap.v3.Bootstrap` as its YAML has it. */
export function bootstrap({ proxy, xds, admin, protocol, probes, credentials }: BootstrapOptions): object {
  const capture = proxy.role === 'sidecar' ? proxy.capture : undefined;
  const source = (): object => ({
    ads: {},
    resource_api_version: 'V3',
    // Wait, however long: an Envoy that goes on without an answer calls itself ready, and has no listener. The sidecar of
    // a captured pod has those that pass everything through, and the pod waits for it.
    initial_fetch_timeout: capture === undefined ? '0s' : CAPTURED_WAIT,
  });
  const probed = proxy.role === 'gateway' && proxy.tls !== undefined ? 'tls' : capture === undefined ? 'usual' : 'captured';
  const listeners = [
    ...(probes === undefined ? [] : [probeListener(probes, probed)]),
    ...(capture === undefined ? [] : captureListeners(capture)),
  ];
  return {
    node: nodeOf(proxy),
    admin: { address: socketAddress(admin) },
    dynamic_resources: {
      ads_config: {
        api_type: protocol === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: CONTROL_PLANE, retry_policy: RECONNECT } }],
      },
      lds_config: source(),
      cds_config: source(),
    },
    static_resources: {
      ...(listeners.length > 0 && { listeners }),
      clusters: [
        controlPlane(xds, credentials),
        ...(probes === undefined ? [] : probeClusters(admin)),
        ...(capture === undefined ? [] : captureClusters()),
      ],
    },
    layered_runtime: {
      layers: [
        {
          name: 'detour',
          // Envoy refuses regexes over 100 instructions, and all of the configuration that one is in.
          static_layer: { 're2.max_program_size.error_level': RE2_MAX_PROGRAM_SIZE },
        },
        // Nothing by itself; it keeps /runtime_modify working.
        { name: 'admin', admin_layer: {} },
      ],
    },
    // Most clusters are previews that see no traffic: their counters are made when they first count.
    deferred_stat_options: { enable_deferred_creation_stats: true },
  };
}

/** Envoy's own back-off grows to 30 s, and for so long a change would wait after the control plane is back. */
const RECONNECT = { retry_back_off: { base_interval: '0.5s', max_interval: '5s' } };

function controlPlane(xds: readonly SocketAddress[], credentials: EnvoyCredentials | undefined): object {
  const known = xds.every(({ host }) => isIP(host) > 0);
  return {
    name: CONTROL_PLANE,
    // `localhost` is ::1 first, and nobody listens there.
    ...(known ? { type: 'STATIC' } : { type: 'STRICT_DNS', dns_lookup_family: 'V4_PREFERRED' }),
    // The next attempt takes the next address.
    connect_timeout: '2s',
    load_assignment: {
      cluster_name: CONTROL_PLANE,
      endpoints: [{ lb_endpoints: xds.map((address) => ({ endpoint: { address: socketAddress(address) } })) }],
    },
    ...(credentials && { transport_socket: tlsSocket(credentials) }),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: {
          http2_protocol_options: {
            // A control plane whose machine has vanished closes no connection; without pings nobody would notice.
            connection_keepalive: { interval: '10s', timeout: '5s' },
          },
        },
        ...(credentials && tokenFilters(credentials)),
      },
    },
  };
}
