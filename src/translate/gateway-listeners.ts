/** A gateway's listeners: one without TLS, one with, or both. Certificates come and go without a change to them. */
import { posix } from 'node:path';
import type { FilterChain, HttpConnectionManager, SdsSecretConfig } from '../generated/envoy.d.ts';
import { SHARD_HEADER } from '../model/carriers.ts';
import { certificateFile, HTTPS_PORT } from '../model/certificate-file.ts';
import type { GatewayTls, Scope } from '../model/proxy.ts';
import { MAX_HEADERS } from './clusters.ts';
import { addressOf, httpChain, httpManager, listener, ROUTER, ROUTES } from './listeners.ts';
import { localReplies } from './local-replies.ts';
import { type LuaSource, luaSource } from './lua-source.ts';
import { GATEWAY_LISTENER, GATEWAY_TLS_LISTENER } from './names.ts';
import type { EnvoyResource } from './resource.ts';
import { setHeader } from './routes.ts';
import { KEYS } from './shards.ts';

type GatewayScope = Extract<Scope, { kind: 'gateway' }>;

export function gatewayListeners(scope: GatewayScope, source: LuaSource): readonly EnvoyResource[] {
  const { listen, tls } = scope;
  const serving = httpChain(servingManager(scope, source));
  const plain = tls?.redirectPort === undefined ? serving : httpChain(redirectManager(tls.redirectPort));
  return [
    ...(listen === undefined ? [] : [listener(GATEWAY_LISTENER, { ...addressOf(listen), filter_chains: [plain] })]),
    ...(tls === undefined
      ? []
      : [listener(GATEWAY_TLS_LISTENER, { ...addressOf(tls.listen), filter_chains: [{ ...serving, ...tlsSocket(tls) }] })]),
  ];
}

function servingManager(scope: GatewayScope, source: LuaSource): HttpConnectionManager {
  const { trustedHops = 0 } = scope;
  return {
    stat_prefix: 'gateway',
    scoped_routes: {
      name: 'shards',
      scope_key_builder: { fragments: [{ header_value_extractor: { name: SHARD_HEADER, element_separator: ',', index: 0 } }] },
      rds_config_source: ROUTES,
      scoped_rds: { scoped_rds_config_source: ROUTES },
    },
    // The first choice of a route is made by this: among the live keys, over whatever the client sent.
    early_header_mutation_extensions: [
      {
        name: 'envoy.http.early_header_mutation.header_mutation',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
          mutations: [{ append: setHeader(SHARD_HEADER, KEYS) }],
        },
      },
    ],
    ...httpManager(luaSource(source, 'gateway', scope)),
    common_http_protocol_options: { max_headers_count: MAX_HEADERS },
    use_remote_address: true,
    // With none of them what clients say of x-forwarded-for and x-forwarded-proto does not count.
    ...(trustedHops > 0 && { xff_num_trusted_hops: trustedHops }),
    preserve_external_request_id: true,
    strip_trailing_host_dot: true,
    local_reply_config: localReplies(false),
  };
}

/** Every request to the same host and path by https. 308 keeps the method and the body. */
function redirectManager(port: number): HttpConnectionManager {
  return {
    stat_prefix: 'redirect',
    codec_type: 'AUTO',
    route_config: {
      name: 'redirect',
      virtual_hosts: [
        {
          name: 'redirect',
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              redirect: {
                scheme_redirect: 'https',
                ...(port !== HTTPS_PORT && { port_redirect: port }),
                response_code: 'PERMANENT_REDIRECT',
              },
            },
          ],
        },
      ],
    },
    http_filters: [ROUTER],
    // The port of the URL without TLS.
    strip_any_host_port: true,
    use_remote_address: true,
  };
}

/** Which certificate a client is shown Envoy decides by their names: exact ones, then wildcards, else the first. */
function tlsSocket({ certificates, sdsFolder }: GatewayTls): FilterChain {
  return {
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
          alpn_protocols: ['h2', 'http/1.1'],
          tls_certificate_sds_secret_configs: certificates.map((name): SdsSecretConfig => {
            const path_config_source = { path: posix.join(sdsFolder, certificateFile(name)) };
            return { name, sds_config: { path_config_source, resource_api_version: 'V3' } };
          }),
        },
      },
    },
    // Who connects and says nothing.
    transport_socket_connect_timeout: '15s',
  };
}
