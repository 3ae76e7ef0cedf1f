/** Clusters: the baseline's adds nothing to a plain path; a preview's holds its fallback (design, section 3). */

import type {
  Cluster,
  ConfigSource,
  Http1ProtocolOptions_HeaderKeyFormat,
  HttpProtocolOptions,
  OutlierDetection,
} from '../generated/envoy.d.ts';
import { constant } from '../model/constant.ts';
import type { Intercept, PortProtocol } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import type { SocketAddress } from '../model/proxy.ts';
import { Stencil, Stenciled, textMark } from '../model/stencil.ts';
import { endpointsOf } from './endpoints.ts';
import { appClusterName, ORIGINAL_DESTINATION } from './names.ts';
import { type EnvoyResource, RemadeResource } from './resource.ts';

/** Who uses the cluster: it decides on the protocol upstream. */
export type ClusterUser = 'gateway' | 'sidecar' | 'client';

export const ADS: ConfigSource = constant({ ads: {}, resource_api_version: 'V3' });

const EDS_BY_ADS = constant({ eds_config: ADS });

/** Breakers that never open: Detour is not what limits a team's traffic, and fallbacks come many at once. */
const UNLIMITED = 1_000_000;
const NO_BREAKERS = constant({
  thresholds: [{ max_connections: UNLIMITED, max_pending_requests: UNLIMITED, max_requests: UNLIMITED, max_retries: UNLIMITED }],
});

/**
 * Below the shortest keep-alive time-out that is common among apps (5 s), so that no request is sent on a connection
 * that the app is closing.
 */
const UPSTREAM_IDLE = '4s';
/** Envoy's default of 100 would refuse what the app allows. */
export const MAX_HEADERS = 1000;

/** Only what Envoy itself could not deliver counts: a preview's own 500s are what its developer wants to see. */
const OUTLIERS = {
  outlier_detection: constant<OutlierDetection>({
    split_external_local_origin_errors: true,
    consecutive_local_origin_failure: 5,
    enforcing_consecutive_local_origin_failure: 100,
    enforcing_consecutive_5xx: 0,
    enforcing_consecutive_gateway_failure: 0,
    enforcing_success_rate: 0,
    enforcing_local_origin_success_rate: 0,
    max_ejection_percent: 100,
    // A preview that is back is used again soon; meanwhile retries do the work.
    interval: '1s',
    base_ejection_time: '1s',
    max_ejection_time: '5s',
  }),
};

export function baselineCluster(name: string, protocol: PortProtocol, user: ClusterUser): EnvoyResource {
  return edsCluster(STENCILS[upstreamOf(protocol, user)].baseline, name, NO_ITEMS);
}

export function previewCluster(name: string, intercept: Intercept, protocol: PortProtocol, user: ClusterUser): EnvoyResource {
  const { preview, previewOrNothing } = STENCILS[upstreamOf(protocol, user)];
  return edsCluster(intercept.whenUnavailable === 'fail' ? previewOrNothing : preview, name, [intercept.id]);
}

/** Copies are requests of Envoy's own: they have no downstream protocol to follow. */
export function mirrorCluster(name: string, intercept: Intercept, protocol: PortProtocol): EnvoyResource {
  return edsCluster(STENCILS[upstreamOf(protocol, 'gateway')].preview, name, [intercept.id]);
}

/** The app behind an explicit inbound port. @param copy what the stamp says. */
export function appCluster(app: SocketAddress, copy: string): EnvoyResource {
  const name = appClusterName(app);
  const load_assignment = endpointsOf(name, [{ addresses: [{ ip: app.host, port: app.port }], copy }]);
  const message: Cluster = {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment,
    circuit_breakers: NO_BREAKERS,
    ...OPTIONS.sidecar,
  };
  return { type: 'cluster', name, message, clusters: [], endpointsName: undefined, intercepts: [] };
}

/**
 * To wherever a captured connection was opened, as it came: upper case in names of headers is kept, too. Each has
 * connections of its own behind it, as many as there would be without the sidecar, so that whatever spreads them over
 * pods has as many to spread.
 */
export function originalDestinationCluster(): EnvoyResource {
  const message: Cluster = {
    name: ORIGINAL_DESTINATION,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout: '10s',
    connection_pool_per_downstream_connection: true,
    circuit_breakers: NO_BREAKERS,
    ...OPTIONS.captured,
  };
  return { type: 'cluster', name: ORIGINAL_DESTINATION, message, clusters: [], endpointsName: undefined, intercepts: [] };
}

function edsCluster(stencil: Stencil, name: string, intercepts: readonly InterceptId[]): EnvoyResource {
  const facts = { type: 'cluster', name, clusters: NO_ITEMS, endpointsName: name, intercepts } as const;
  return new RemadeResource(facts, () => new Stenciled(stencil, [name]));
}

/** Names of HTTP/1.1 headers and reasons of replies go out as they came in. */
export const KEEP_CASE: Http1ProtocolOptions_HeaderKeyFormat = {
  stateful_formatter: {
    name: 'preserve_case',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
      forward_reason_phrase: true,
    },
  },
};

const HTTP1 = { http_protocol_options: {} };
const HTTP2 = { http2_protocol_options: { allow_connect: true } };

/** One object for all clusters that say the same: there are tens of thousands. */
const OPTIONS = {
  sidecar: withOptions({ use_downstream_protocol_config: { ...HTTP1, ...HTTP2 } }),
  captured: withOptions({
    use_downstream_protocol_config: { http_protocol_options: { header_key_format: KEEP_CASE }, ...HTTP2 },
  }),
  http1: withOptions({ explicit_http_config: HTTP1 }),
  http2: withOptions({ explicit_http_config: HTTP2 }),
};

type Upstream = 'http1' | 'http2' | 'sidecar' | 'client';

/** Sidecars follow their downstream; gateways speak what the port says, whatever a browser speaks to them. */
function upstreamOf(protocol: PortProtocol, user: ClusterUser): Upstream {
  if (user !== 'gateway') return user;
  return protocol === 'http2' ? 'http2' : 'http1';
}

function withOptions(options: HttpProtocolOptions): Cluster {
  return constant({
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        common_http_protocol_options: { idle_timeout: UPSTREAM_IDLE, max_headers_count: MAX_HEADERS },
        ...options,
      },
    },
  });
}

/** All clusters of one kind say the same but for their names. */
const STENCILS = {
  http1: stencilsFor(OPTIONS.http1, OUTLIERS),
  http2: stencilsFor(OPTIONS.http2, OUTLIERS),
  sidecar: stencilsFor(OPTIONS.sidecar, OUTLIERS),
  client: stencilsFor({}, {}),
};

interface Stencils {
  readonly baseline: Stencil;
  readonly preview: Stencil;
  /** Of one without a fallback. */
  readonly previewOrNothing: Stencil;
}

function stencilsFor(options: Cluster, outliers: Pick<Cluster, 'outlier_detection'>): Stencils {
  const cluster = (more: Cluster): Stencil =>
    new Stencil({
      name: textMark(0),
      type: 'EDS',
      eds_cluster_config: EDS_BY_ADS,
      circuit_breakers: NO_BREAKERS,
      ...more,
      ...options,
    });
  return {
    baseline: cluster({ connect_timeout: '5s' }),
    preview: cluster({ connect_timeout: '1s', ...outliers }),
    // Pods that were found dead get nothing: 503 at once.
    previewOrNothing: cluster({
      connect_timeout: '1s',
      ...outliers,
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
    }),
  };
}
