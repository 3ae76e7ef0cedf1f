/** Rows of a decision → Envoy's routes, with the mark, the stamp and copies. */
import type {
  HeaderValueOption,
  Metadata,
  Route,
  RouteAction,
  RouteMatch,
  WeightedCluster_ClusterWeight,
} from '../generated/envoy.d.ts';
import { MARK_HEADER, STAMP_HEADER } from '../model/carriers.ts';
import { constant } from '../model/constant.ts';
import type { Destination, Leaf, Row } from './decision.ts';
import { ONWARD_RETRY_POLICY } from './retry-policy.ts';
import { headerMatchers } from './route-match.ts';

/** What the routes of one virtual host have in common. */
export interface RouteStyle {
  /** `route`: every route sets the mark of its own target, or takes it away; `virtualHost`: that one does, for all. */
  readonly mark: 'route' | 'virtualHost';
  /** Whether the virtual host retries: not for the baseline, which is to be as it was. */
  readonly retries: boolean;
  /** Read by the Lua filter before the decision is made, so every route says the same. */
  readonly members: readonly string[];
}

/** Where the Lua filter looks for what a route says of itself. */
export const LUA_METADATA = 'envoy.filters.http.lua';
/** Where local replies do, see `local-replies.ts`. */
export const OWN_METADATA = 'detour';

/** Names the endpoint that really answered, after retries too. */
const STAMP = constant(setHeader(STAMP_HEADER, '%UPSTREAM_METADATA(detour:copy)%'));

function stampOf({ copy }: Destination): HeaderValueOption {
  return copy === undefined ? STAMP : setHeader(STAMP_HEADER, copy);
}

/** Whether each share of the requests has a stamp of its own. */
function stampsShares({ stamped, percent, destination, otherwise }: Leaf): boolean {
  return stamped && percent < 100 && destination.copy !== otherwise.copy;
}

/** @param path `/`, or a prefix of whole segments where the routes themselves tell paths apart. */
export function routesOf(rows: readonly Row[], style: RouteStyle, path = '/'): readonly Route[] {
  return rows.map(({ match, leaf }) => ({
    name: leaf.name,
    match: match.length === 0 ? pathMatch(path) : { ...pathMatch(path), headers: headerMatchers(match) },
    metadata: metadataOf(leaf, style),
    route: {
      ...routeAction(leaf, (destination) => ({
        ...(style.mark === 'route' && markOf(leaf, destination)),
        ...(stampsShares(leaf) && { response_headers_to_add: [stampOf(destination)] }),
      })),
      ...ownRetries(leaf, style),
    },
    ...(style.mark === 'route' && leaf.percent === 100 && markOf(leaf, leaf.destination)),
    ...(leaf.stamped && !stampsShares(leaf) && { response_headers_to_add: [stampOf(leaf.destination)] }),
  }));
}

/** The baseline is to be as it was, whatever the virtual host says. */
function ownRetries({ destination }: Leaf, { retries }: RouteStyle): Pick<RouteAction, 'retry_policy'> {
  if (destination.onward === true) return { retry_policy: ONWARD_RETRY_POLICY };
  return retries && destination.kind !== 'preview' ? { retry_policy: {} } : {};
}

/** Without timeouts of its own, and with copies that look like the original. */
export function routeAction(leaf: Leaf, mutations: (destination: Destination) => HeaderMutations): RouteAction {
  const { destination, otherwise, percent, mirror } = leaf;
  const share = (each: Destination, weight: number): WeightedCluster_ClusterWeight => ({
    name: each.cluster,
    weight,
    ...mutations(each),
  });
  return {
    ...(percent === 100
      ? { cluster: destination.cluster }
      : { weighted_clusters: { clusters: [share(destination, percent), share(otherwise, 100 - percent)] } }),
    timeout: '0s',
    ...(mirror !== undefined && {
      request_mirror_policies: [
        {
          cluster: mirror.cluster,
          disable_shadow_host_suffix_append: true,
          ...(mirror.percent < 100 && { runtime_fraction: { default_value: { numerator: mirror.percent } } }),
        },
      ],
    }),
  };
}

interface HeaderMutations {
  readonly request_headers_to_add?: readonly HeaderValueOption[];
  readonly request_headers_to_remove?: readonly string[];
  readonly response_headers_to_add?: readonly HeaderValueOption[];
}

/** Who decided, for the hops behind; an app has none behind it, and must not pass it on with calls of its own. */
function markOf(leaf: Leaf, destination: Destination): HeaderMutations {
  return destination.kind === 'app'
    ? { request_headers_to_remove: [MARK_HEADER] }
    : { request_headers_to_add: [setHeader(MARK_HEADER, leaf.target)] };
}

/** One object for all routes that say the same: there are tens of thousands. */
const ANY_PATH: RouteMatch = constant({ prefix: '/' });
const PLAIN = constant(luaMetadata('route'));

function pathMatch(path: string): RouteMatch {
  return path === '/' ? ANY_PATH : { path_separated_prefix: path };
}

function metadataOf(leaf: Leaf, style: RouteStyle): Metadata {
  const own = style.members.length === 0 ? PLAIN : luaMetadata('route', style.members);
  if (leaf.unavailable === undefined) return own;
  const { filter_metadata } = own;
  return { filter_metadata: { ...filter_metadata, [OWN_METADATA]: { unavailable: `\n${leaf.unavailable}\n` } } };
}

/** For the Lua filter: what kind of route this is, and which members of baggage to look for. */
export function luaMetadata(
  detour: 'route' | 'live' | 'host' | 'unknown',
  members: readonly string[] = [],
): Required<Pick<Metadata, 'filter_metadata'>> {
  return { filter_metadata: { [LUA_METADATA]: members.length === 0 ? { detour } : { detour, members } } };
}

export function setHeader(key: string, value: string): HeaderValueOption {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}
