/**
 * Listeners of sidecars, and what all have in common. They depend on a proxy and its ports alone, so that no intercept
 * ever drains a connection.
 */
import type {
  Address,
  Any,
  ConfigSource,
  FilterChain,
  FilterChainMatch,
  HttpConnectionManager,
  Listener,
} from '../generated/envoy.d.ts';
import { ANY_ADDRESS, type IpFamily } from '../model/capture.ts';
import { clusterRanges, type Egress, EVERYWHERE } from '../model/egress.ts';
import type { PortProtocol } from '../model/intercept.ts';
import type { InboundScope, SocketAddress } from '../model/proxy.ts';
import { EGRESS_ROUTES } from './captured-routes.ts';
import { ADS, KEEP_CASE, MAX_HEADERS } from './clusters.ts';
import { localReplies } from './local-replies.ts';
import { type LuaSource, luaSource } from './lua-source.ts';
import { appClusterName, capturedName, capturedOutboundName, inboundName, ORIGINAL_DESTINATION, OUTBOUND_NAME } from './names.ts';
import type { EnvoyResource } from './resource.ts';
import { LUA_METADATA } from './routes.ts';

export const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router', suppress_envoy_headers: true },
} as const;

/** A listener opens when its routes are there, however long that takes: not with 404 for everybody. */
export const ROUTES: ConfigSource = { ...ADS, initial_fetch_timeout: '0s' };

/** Looks at the first bytes of a connection. */
const INSPECTION: Listener = {
  listener_filters: [
    {
      name: 'envoy.filters.listener.http_inspector',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector' },
    },
  ],
  // Where the server speaks first, nothing comes to look at: one that is silent for so long is something other than HTTP.
  listener_filters_timeout: '1s',
  continue_on_listener_filters_timeout: true,
};

const LOOKS_LIKE_HTTP: FilterChainMatch = { application_protocols: ['http/1.0', 'http/1.1', 'h2c'] };

/** @param protocol what the Services of the port say together. */
export function inboundListener(inbound: InboundScope, protocol: PortProtocol, source: LuaSource): EnvoyResource {
  const name = inboundName(inbound.listen);
  const manager: HttpConnectionManager = {
    stat_prefix: 'inbound',
    rds: { config_source: ROUTES, route_config_name: name },
    ...sidecarManager(luaSource(source, 'inbound')),
    local_reply_config: localReplies(true),
  };
  const app = appClusterName(inbound.app);
  const base: Listener = { ...addressOf(inbound.listen), traffic_direction: 'INBOUND' };
  if (protocol === 'opaque') return listener(name, { ...base, filter_chains: [tcpChain(app, 'inbound')] }, [app]);
  if (protocol !== 'maybe') return listener(name, { ...base, filter_chains: [httpChain(manager)] });
  return listener(
    name,
    {
      ...base,
      ...INSPECTION,
      filter_chains: [{ ...httpChain(manager), filter_chain_match: LOOKS_LIKE_HTTP }, tcpChain(app, 'inbound')],
    },
    [app],
  );
}

export function outboundListener(address: SocketAddress, source: LuaSource): EnvoyResource {
  const manager: HttpConnectionManager = {
    stat_prefix: 'outbound',
    rds: { config_source: ROUTES, route_config_name: OUTBOUND_NAME },
    ...sidecarManager(luaSource(source, 'outbound')),
    local_reply_config: localReplies(false),
  };
  return listener(OUTBOUND_NAME, { ...addressOf(address), traffic_direction: 'OUTBOUND', filter_chains: [httpChain(manager)] });
}

export interface CapturedPort {
  readonly port: number;
  readonly families: readonly IpFamily[];
  /** Whether Services speak HTTP there, which the pod may call. */
  readonly outbound: boolean;
  /** undefined: what leaves the cluster is as any other. */
  readonly egress: Egress | undefined;
  /** What the Services of this port of the pod say together; undefined: there is none. */
  readonly inbound: { readonly listen: SocketAddress; readonly protocol: PortProtocol } | undefined;
}

/**
 * Captured connections to one port number, in whichever direction; the bootstrap's listeners hand them over. What the
 * pod opened comes from loopback: a rule of the capture sees to it. Both in one listener, because Envoy takes an address
 * once.
 */
export function capturedListener({ port, families, outbound, inbound, egress }: CapturedPort, source: LuaSource): EnvoyResource {
  const chains: FilterChain[] = [];
  // Once an address is one of a chain's, Envoy looks at no chain for any address.
  const inside = egress && clusterRanges(egress);
  const toCluster: FilterChainMatch = inside === undefined ? {} : { prefix_ranges: inside };
  const anywhere: FilterChainMatch = inside === undefined ? {} : { prefix_ranges: [...inside, ...EVERYWHERE] };
  if (outbound) {
    const manager: HttpConnectionManager = {
      stat_prefix: 'outbound',
      rds: { config_source: ROUTES, route_config_name: capturedOutboundName(port) },
      ...capturedManager(luaSource(source, 'outbound')),
      upgrade_configs: ANY_UPGRADE,
      local_reply_config: localReplies(false),
    };
    const ofPod: FilterChainMatch = { source_type: 'SAME_IP_OR_LOOPBACK', ...LOOKS_LIKE_HTTP };
    chains.push({ ...httpChain(manager), filter_chain_match: { ...toCluster, ...ofPod } });
    if (inside !== undefined)
      chains.push({ ...httpChain(egressManager(source)), filter_chain_match: { prefix_ranges: EVERYWHERE, ...ofPod } });
  }
  if (inbound !== undefined) {
    const manager: HttpConnectionManager = {
      stat_prefix: 'inbound',
      rds: { config_source: ROUTES, route_config_name: inboundName(inbound.listen) },
      ...capturedManager(luaSource(source, 'inbound')),
      local_reply_config: localReplies(true),
    };
    chains.push({ ...httpChain(manager), filter_chain_match: { ...anywhere, source_type: 'EXTERNAL', ...LOOKS_LIKE_HTTP } });
    // What Envoy finds by protocol first it does not look for again without one.
    if (inbound.protocol !== 'maybe') {
      chains.push({ ...httpChain(manager), filter_chain_match: { ...anywhere, source_type: 'EXTERNAL' } });
    }
  }
  const [first, ...others] = families.map((family) => socketAddress({ host: ANY_ADDRESS[family], port }));
  return listener(
    capturedName(port),
    {
      ...(first !== undefined && { address: first }),
      ...(others.length > 0 && { additional_addresses: others.map((address) => ({ address })) }),
      bind_to_port: false,
      ...INSPECTION,
      filter_chains: chains,
      default_filter_chain: tcpChain(ORIGINAL_DESTINATION, 'passthrough'),
    },
    [ORIGINAL_DESTINATION],
  );
}

const ANY_UPGRADE = ['websocket', 'CONNECT', 'spdy/3.1', 'tcp'].map((upgrade_type) => ({ upgrade_type }));

/** What leaves the cluster goes where it was going, without carriers. */
function egressManager(source: LuaSource): HttpConnectionManager {
  return {
    stat_prefix: 'egress',
    route_config: EGRESS_ROUTES,
    ...capturedManager(luaSource(source, 'egress')),
    upgrade_configs: ANY_UPGRADE,
    local_reply_config: localReplies(false),
  };
}

/** For clients that route for themselves. No filter but the router: they have no other. */
export function clientListener(name: string): EnvoyResource {
  const manager: HttpConnectionManager = {
    stat_prefix: 'client',
    rds: { config_source: ROUTES, route_config_name: name },
    http_filters: [
      { name: ROUTER.name, typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } },
    ],
  };
  return listener(name, { api_listener: { api_listener: managerAny(manager) } });
}

/** No time-outs of its own, and nothing of the app's is changed. */
export function httpManager(lua: string): HttpConnectionManager {
  return {
    codec_type: 'AUTO',
    http_filters: [
      {
        name: LUA_METADATA,
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
          default_source_code: { inline_string: lua },
        },
      },
      ROUTER,
    ],
    http_protocol_options: { accept_http_10: true, allow_absolute_url: true },
    http2_protocol_options: { allow_connect: true },
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    stream_idle_timeout: '0s',
    server_header_transformation: 'PASS_THROUGH',
  };
}

/** As if it were not there: connections may idle, headers are many, nothing is added. */
function sidecarManager(lua: string): HttpConnectionManager {
  return {
    ...httpManager(lua),
    http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'localhost', allow_absolute_url: true },
    common_http_protocol_options: { idle_timeout: '0s', max_headers_count: MAX_HEADERS },
    max_request_headers_kb: 1024,
    use_remote_address: false,
    skip_xff_append: true,
    generate_request_id: false,
  };
}

/** As nearly as can be, what would have gone by without it. */
function capturedManager(lua: string): HttpConnectionManager {
  const manager = sidecarManager(lua);
  return { ...manager, http_protocol_options: { ...manager.http_protocol_options, header_key_format: KEEP_CASE } };
}

export function httpChain(manager: HttpConnectionManager): FilterChain {
  return { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: managerAny(manager) }] };
}

function managerAny(manager: HttpConnectionManager): Any {
  return {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    ...manager,
  };
}

function tcpChain(cluster: string, stat_prefix: string): FilterChain {
  return {
    filters: [
      {
        name: 'envoy.filters.network.tcp_proxy',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
          stat_prefix,
          cluster,
          idle_timeout: '0s',
        },
      },
    ],
  };
}

export function addressOf(address: SocketAddress): Listener {
  return { address: socketAddress(address) };
}

function socketAddress({ host, port }: SocketAddress): Address {
  return { socket_address: { address: host, port_value: port } };
}

export function listener(name: string, more: Listener, clusters: readonly string[] = []): EnvoyResource {
  return { type: 'listener', name, message: { name, ...more }, clusters, endpointsName: undefined, intercepts: [] };
}
