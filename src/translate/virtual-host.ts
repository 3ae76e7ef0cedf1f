/** A decision → a virtual host of an Envoy, and what it refers to. */
import type { RouteConfiguration, VirtualHost, XdsMatcher_OnMatch } from '../generated/envoy.d.ts';
import { baggageHeader, MARK_HEADER, SHARD_HEADER, UNAVAILABLE_HEADER } from '../model/carriers.ts';
import type { InterceptId, ServicePortKey } from '../model/names.ts';
import { sameData } from '../model/same-data.ts';
import { type Stenciled, withoutStencils } from '../model/stencil.ts';
import type { Choice, Decision, Leaf, Row } from './decision.ts';
import { type EnvoyResource, RemadeResource } from './resource.ts';
import { RETRY_POLICY } from './retry-policy.ts';
import { headerInput, matcherPredicate } from './route-match.ts';
import { type RouteStyle, routesOf, setHeader } from './routes.ts';
import { sortedUnique } from './sorted-unique.ts';

export interface VirtualHostPart {
  readonly virtualHost: VirtualHost;
  /** The same with a stencil, where there are thousands like it: cheaper to encode. */
  readonly shorthand?: Stenciled;
  /** Sorted, as the intercepts. */
  readonly clusters: readonly string[];
  readonly intercepts: readonly InterceptId[];
}

/**
 * A part whose virtual host, once it was asked for, is made again each time: it is asked for once, to be encoded, and a
 * large cluster has tens of thousands of them.
 * @param make gives the same each time.
 */
export class RemadePart implements VirtualHostPart {
  readonly clusters: readonly string[];
  readonly intercepts: readonly InterceptId[];
  readonly #make: () => VirtualHostPart;
  #first: VirtualHost | undefined;

  constructor(make: () => VirtualHostPart) {
    const { virtualHost, clusters, intercepts } = make();
    this.clusters = clusters;
    this.intercepts = intercepts;
    this.#make = make;
    this.#first = virtualHost;
  }

  get virtualHost(): VirtualHost {
    const virtualHost = this.#first ?? this.#make().virtualHost;
    this.#first = undefined;
    return virtualHost;
  }
}

/** A part of which thousands are made that differ in names alone. */
export class StenciledPart implements VirtualHostPart {
  readonly shorthand: Stenciled;
  readonly clusters: readonly string[];
  readonly intercepts: readonly InterceptId[];

  /** @param shorthand a VirtualHost */
  constructor(shorthand: Stenciled, clusters: readonly string[], intercepts: readonly InterceptId[]) {
    this.shorthand = shorthand;
    this.clusters = clusters;
    this.intercepts = intercepts;
  }

  get virtualHost(): VirtualHost {
    // It is of a VirtualHost.
    return withoutStencils<object>(this.shorthand) as VirtualHost;
  }
}

export function samePart(a: VirtualHostPart, b: VirtualHostPart): boolean {
  if (a === b) return true;
  if (!sameData(a.clusters, b.clusters) || !sameData(a.intercepts, b.intercepts)) return false;
  if (a.shorthand !== undefined && a.shorthand.stencil === b.shorthand?.stencil)
    return sameData(a.shorthand.values, b.shorthand.values);
  return sameData(a.virtualHost, b.virtualHost);
}

/** Paths of one host: the longest prefix first; whole segments. A single `/` where paths do not matter. */
export interface PathDecision {
  readonly prefix: string;
  readonly decision: Decision;
}

export interface VirtualHostOptions {
  readonly name: string;
  readonly domains: readonly string[];
  readonly carrier: string;
  readonly paths: readonly PathDecision[];
  /** For an inbound sidecar: requests that were decided for one of these go to `leaf`. */
  readonly decided?: DecidedRequests;
}

export interface DecidedRequests {
  readonly targets: readonly ServicePortKey[];
  readonly leaf: Leaf;
}

export function virtualHostPart(options: VirtualHostOptions): VirtualHostPart {
  const { name, domains, paths } = options;
  const decisions = paths.map((path) => path.decision);
  const leaves = [...decisions.flatMap(leavesOf), ...(options.decided === undefined ? [] : [options.decided.leaf])];
  const members = sortedUnique(decisions.flatMap((decision) => decision.members));
  const [target, ...others] = sortedUnique(leaves.map((leaf) => leaf.target));
  const atApp = leaves.some((leaf) => leaf.destination.kind === 'app' || leaf.otherwise.kind === 'app');
  const oneMark = !atApp && target !== undefined && others.length === 0;
  const retries = leaves.some((leaf) => leaf.destination.kind === 'preview');
  const style: RouteStyle = { mark: oneMark ? 'virtualHost' : 'route', retries, members };
  const virtualHost: VirtualHost = {
    name,
    domains,
    ...choice(options, style),
    ...(oneMark && { request_headers_to_add: [setHeader(MARK_HEADER, target)] }),
    ...(members.length > 0 && { request_headers_to_remove: members.map(baggageHeader) }),
    ...(retries && { retry_policy: RETRY_POLICY }),
  };
  const clusters = leaves.flatMap(clustersOf);
  const intercepts = sortedUnique(decisions.flatMap((decision) => decision.intercepts));
  return { virtualHost, clusters: sortedUnique(clusters), intercepts };
}

/** Of two that have a name in common the first keeps it: Envoy takes each once. */
export function withOwnDomains(parts: readonly VirtualHostPart[]): readonly VirtualHostPart[] {
  const taken = new Set<string>();
  return parts.flatMap((part) => {
    const all = part.virtualHost.domains ?? [];
    const domains = all.filter((domain) => !taken.has(domain));
    for (const domain of domains) taken.add(domain);
    if (domains.length === 0) return [];
    if (domains.length === all.length) return [part];
    return [{ clusters: part.clusters, intercepts: part.intercepts, virtualHost: { ...part.virtualHost, domains } }];
  });
}

/** The RouteConfiguration of Envoy (not of gRPC): what leaves is free of what is only said between filters and hops. */
export function routeConfiguration(
  name: string,
  parts: readonly VirtualHostPart[],
  more: Pick<RouteConfiguration, 'ignore_port_in_host_matching'> = {},
): EnvoyResource {
  const virtualHosts = parts.map((part) => part.virtualHost);
  return { ...routeFacts(name, parts), message: routeMessage(name, virtualHosts, more) };
}

/** The same, with a message that is made when it is asked for. */
export function remadeRouteConfiguration(
  name: string,
  parts: readonly VirtualHostPart[],
  more: Pick<RouteConfiguration, 'ignore_port_in_host_matching'> = {},
): EnvoyResource {
  const shorthands = (): readonly object[] => parts.map((part) => part.shorthand ?? part.virtualHost);
  return new RemadeResource(routeFacts(name, parts), () => routeMessage(name, shorthands(), more));
}

function routeFacts(name: string, parts: readonly VirtualHostPart[]): Omit<EnvoyResource, 'message' | 'shorthand'> {
  return {
    type: 'route',
    name,
    clusters: sortedUnique(parts.flatMap((part) => part.clusters)),
    endpointsName: undefined,
    intercepts: sortedUnique(parts.flatMap((part) => part.intercepts)),
  };
}

function routeMessage(
  name: string,
  virtualHosts: readonly object[],
  more: Pick<RouteConfiguration, 'ignore_port_in_host_matching'>,
): Omit<RouteConfiguration, 'virtual_hosts'> & { readonly virtual_hosts: readonly object[] } {
  return {
    name,
    virtual_hosts: virtualHosts,
    ...more,
    request_headers_to_remove: [SHARD_HEADER],
    response_headers_to_remove: [UNAVAILABLE_HEADER],
  };
}

function leavesOf(decision: Decision): readonly Leaf[] {
  return [...decision.keys.values(), decision.otherwise].flatMap(({ rules, rest }) => [...rules, ...rest]).map((row) => row.leaf);
}

/** Every cluster that gets requests or copies of them. */
export function clustersOf(leaf: Leaf): readonly string[] {
  const clusters = [leaf.destination.cluster];
  if (leaf.percent < 100) clusters.push(leaf.otherwise.cluster);
  if (leaf.mirror !== undefined) clusters.push(leaf.mirror.cluster);
  return clusters;
}

/** Plain routes where there is nothing to look up: they cost Envoy a third of a matcher to build. */
function choice(options: VirtualHostOptions, style: RouteStyle): Pick<VirtualHost, 'routes' | 'matcher'> {
  const { paths, decided } = options;
  if (paths.every(({ decision }) => decision.keys.size === 0 && decision.otherwise.rules.length === 0)) {
    const before = decidedRows(decided);
    return { routes: paths.flatMap(({ prefix, decision }) => routesOf([...before, ...decision.otherwise.rest], style, prefix)) };
  }
  const undecided = byPath(options, style);
  if (decided === undefined) return { matcher: undecided.matcher ?? { on_no_match: undecided } };
  const leaf = routesAction([{ match: [], leaf: decided.leaf }], style);
  const map = Object.fromEntries(decided.targets.map((target) => [target, leaf]));
  return { matcher: { matcher_tree: { input: headerInput(MARK_HEADER), exact_match_map: { map } }, on_no_match: undecided } };
}

function decidedRows(decided: DecidedRequests | undefined): readonly Row[] {
  if (decided === undefined) return [];
  const subject = { kind: 'header', name: MARK_HEADER } as const;
  return decided.targets.map((value) => ({ match: [{ subject, operator: 'exact', value }], leaf: decided.leaf }));
}

/** A path that nobody serves matches nothing: 404. */
function byPath({ paths, carrier }: VirtualHostOptions, style: RouteStyle): XdsMatcher_OnMatch {
  const matchers = [];
  for (const { prefix, decision } of paths) {
    const on_match = byKey(decision, style, carrier);
    if (prefix === '/')
      return matchers.length === 0 ? on_match : { matcher: { matcher_list: { matchers }, on_no_match: on_match } };
    matchers.push({ predicate: { or_matcher: { predicate: underPath(prefix) } }, on_match });
  }
  return { matcher: { matcher_list: { matchers } } };
}

/** `/a` takes `/a`, `/a/b` and `/a?b`, not `/ab`. */
function underPath(prefix: string): readonly object[] {
  const input = headerInput(':path');
  return [{ exact: prefix }, { prefix: `${prefix}/` }, { prefix: `${prefix}?` }].map((value_match) => ({
    single_predicate: { input, value_match },
  }));
}

/** First the key, by one hash lookup. */
function byKey({ keys, otherwise }: Decision, style: RouteStyle, carrier: string): XdsMatcher_OnMatch {
  const rest = byRule(otherwise, style);
  if (keys.size === 0) return rest;
  const map: Record<string, XdsMatcher_OnMatch> = {};
  for (const [key, choice] of keys) map[key] = byRule(choice, style);
  return { matcher: { matcher_tree: { input: headerInput(carrier), exact_match_map: { map } }, on_no_match: rest } };
}

function byRule({ rules, rest }: Choice, style: RouteStyle): XdsMatcher_OnMatch {
  const on_no_match = routesAction(rest, style);
  const matchers = rules.flatMap(({ match: [first, ...others], leaf }) =>
    first === undefined
      ? []
      : [{ predicate: matcherPredicate([first, ...others]), on_match: routesAction([{ match: [], leaf }], style) }],
  );
  return matchers.length === 0 ? on_no_match : { matcher: { matcher_list: { matchers }, on_no_match } };
}

function routesAction(rows: readonly Row[], style: RouteStyle): XdsMatcher_OnMatch {
  const routes = routesOf(rows, style);
  const [only] = routes;
  if (only !== undefined && routes.length === 1) {
    return { action: { name: 'route', typed_config: { '@type': 'type.googleapis.com/envoy.config.route.v3.Route', ...only } } };
  }
  return { action: { name: 'routes', typed_config: { '@type': 'type.googleapis.com/envoy.config.route.v3.RouteList', routes } } };
}
