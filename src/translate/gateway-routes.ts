/** What gateways route: hosts, addresses of previews, and the keys that are live. */
import type { RouteConfiguration, VirtualHost } from '../generated/envoy.d.ts';
import type { HostModel, PortModel, ServiceModel } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { baselineLeaf, decide, type Hop, type Leaf, routeLeaf } from './decision.ts';
import { callerHop } from './hops.ts';
import type { EnvoyResource } from './resource.ts';
import { luaMetadata } from './routes.ts';
import { KEYS } from './shards.ts';
import { sortedUnique } from './sorted-unique.ts';
import { type PathDecision, type VirtualHostPart, virtualHostPart } from './virtual-host.ts';

export type ServiceLookup = (service: ObjectKey) => ServiceModel | undefined;

/** A host with its preview URLs. @param services of its paths, in their order. */
export function hostPart(host: HostModel, services: readonly (ServiceModel | undefined)[], carrier: string): VirtualHostPart {
  const hop = callerHop(carrier);
  const paths = host.paths.flatMap(({ prefix, target }, place): readonly PathDecision[] => {
    const port = services[place]?.ports.find((each) => each.key === target);
    return port === undefined ? [] : [{ prefix, decision: decide([port], hop) }];
  });
  return virtualHostPart({ name: host.host, domains: domainsOf(host.host, host.previewUrls), carrier, paths });
}

export function domainsOf(host: string, previewUrls: boolean): readonly string[] {
  return previewUrls ? [host, `*--${host}`] : [host];
}

/** A DNS label cannot be longer. */
export const LONGEST_LABEL = 63;

/** Keys with an address of their own under the preview domain, for one Service: host → key, sorted. */
export function previewAddresses(service: ServiceModel, domain: string, namespace: string): ReadonlyMap<string, string> {
  const isHere = service.namespace === namespace;
  // With more dashes it could be read as that of another Service of another namespace.
  if (!isHere && `${service.name}/${service.namespace}`.includes('--')) return new Map();
  const keys = sortedUnique(service.ports.flatMap((port) => [...port.routes.keys(), ...port.mirrors.keys()]));
  const suffix = isHere ? service.name : `${service.name}--${service.namespace}`;
  const labels = keys.map((key) => [`${key}--${suffix}`, key] as const).filter(([label]) => label.length <= LONGEST_LABEL);
  return new Map(labels.map(([label, key]) => [`${label}.${domain}`, key]));
}

/** Straight to the copy: whatever the request carries, and of several ports the first. */
export function addressPart(host: string, service: ServiceModel, key: string, carrier: string): VirtualHostPart | undefined {
  for (const port of service.ports) {
    const found = straightTo(port, key, callerHop(carrier));
    if (found === undefined) continue;
    const rest = [{ match: [], leaf: found.leaf }];
    const decision = { keys: new Map(), otherwise: { rules: [], rest }, members: [], intercepts: [found.intercept] };
    return virtualHostPart({ name: host, domains: [host], carrier, paths: [{ prefix: '/', decision }] });
  }
  return undefined;
}

function straightTo(
  port: PortModel,
  key: string,
  hop: Hop,
): { readonly leaf: Leaf; readonly intercept: InterceptId } | undefined {
  const route = port.routes.get(key);
  if (route !== undefined) return { leaf: { ...routeLeaf(port, route, hop, 'key'), percent: 100 }, intercept: route.id };
  const mirror = port.mirrors.get(key);
  if (mirror === undefined || hop.mirror === undefined) return undefined;
  const cluster = hop.mirror(port, mirror);
  const toCopy: Hop = { ...hop, baseline: () => ({ kind: 'preview', cluster }) };
  return { leaf: { ...baselineLeaf(port, toCopy), name: `key:${key}`, stamped: true }, intercept: mirror.id };
}

/** The first label holds what could be read as a key. */
export function looksLikePreviewHost(host: string): boolean {
  const dot = host.indexOf('.');
  return (dot < 0 ? host : host.slice(0, dot)).includes('--');
}

/**
 * Which keys are live, for the Lua filter: it reads the route that is found here and takes another.
 * @param hosts declared hosts that {@link looksLikePreviewHost}.
 */
export function keysConfiguration(keys: Iterable<string>, hosts: Iterable<string>): EnvoyResource {
  const live = sortedUnique(keys).map((key) => `${key}--*`);
  const declared = sortedUnique(hosts);
  const message: RouteConfiguration = {
    name: KEYS,
    virtual_hosts: [
      ...(live.length > 0 ? [signpost('live', live)] : []),
      ...(declared.length > 0 ? [signpost('host', declared)] : []),
      signpost('unknown', ['*']),
    ],
    ignore_port_in_host_matching: true,
  };
  return { type: 'route', name: KEYS, message, clusters: [], endpointsName: undefined, intercepts: [] };
}

function signpost(detour: 'live' | 'host' | 'unknown', domains: readonly string[]): VirtualHost {
  const body = { inline_string: 'Detour: the filter that chooses the host did not run.\n' };
  return {
    name: detour,
    domains,
    routes: [{ match: { prefix: '/' }, metadata: luaMetadata(detour), direct_response: { status: 500, body } }],
  };
}

/** @param key the value of the shard header that chooses it. */
export function scopedRoute(name: string, key: string): EnvoyResource {
  const message = { name, route_configuration_name: name, key: { fragments: [{ string_key: key }] } };
  return { type: 'scopedRoute', name, message, clusters: [], endpointsName: undefined, intercepts: [] };
}
