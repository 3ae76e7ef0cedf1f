/** ClusterLoadAssignments: who answers, in which order of priority, and what the stamp says of each. */
import type { ClusterLoadAssignment, LocalityLbEndpoints } from '../generated/envoy.d.ts';
import { COPY_BASELINE, COPY_FALLBACK } from '../model/carriers.ts';
import type { Address, Intercept } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { EnvoyResource } from './resource.ts';

/** Endpoints of one priority. */
export interface EndpointGroup {
  readonly addresses: readonly Address[];
  /** What the stamp says when one of these answers. */
  readonly copy: string;
}

/** So many of the baseline's endpoints are enough to fall back to. */
const FALLBACK_ENDPOINTS = 8;
/**
 * With Envoy's default (140) a preview of which half is unhealthy sends a third of its requests to the baseline. With
 * this one, a single healthy pod of 1,000 keeps them all.
 */
const OVERPROVISIONING = 100_000;

export function baselineEndpoints(name: string, baseline: readonly Address[]): EnvoyResource {
  return resource(name, endpointsOf(name, [{ addresses: baseline, copy: COPY_BASELINE }]), []);
}

/** @param fallback empty: there is none. */
export function previewEndpoints(name: string, intercept: Intercept, fallback: readonly Address[]): EnvoyResource {
  const own: EndpointGroup = { addresses: intercept.endpoints, copy: intercept.key };
  // Envoy takes an address once, whatever its priority.
  const taken = new Set(intercept.endpoints.map(addressText));
  const others = fallback.filter((address) => !taken.has(addressText(address)));
  const groups = others.length === 0 ? [own] : [own, { addresses: nearest(name, others), copy: COPY_FALLBACK }];
  const message = { ...endpointsOf(name, groups), policy: { overprovisioning_factor: OVERPROVISIONING } };
  return resource(name, message, [intercept.id]);
}

/** Groups in order of priority. */
export function endpointsOf(name: string, groups: readonly EndpointGroup[]): ClusterLoadAssignment {
  return { cluster_name: name, endpoints: groups.map(localityOf) };
}

/** gRPC wants a locality with a weight, and priorities without a gap: an empty group is left out. */
export function clientEndpoints(endpoints: EnvoyResource): EnvoyResource {
  // This room made the message: it is a ClusterLoadAssignment.
  const message = endpoints.message as ClusterLoadAssignment;
  const groups = (message.endpoints ?? []).filter((group) => (group.lb_endpoints ?? []).length > 0);
  const renumbered = groups.map((group, priority) => ({ ...group, locality: {}, load_balancing_weight: 1, priority }));
  return { ...endpoints, message: { cluster_name: message.cluster_name, endpoints: renumbered } };
}

function localityOf(group: EndpointGroup, priority: number): LocalityLbEndpoints {
  const metadata = { filter_metadata: { detour: { copy: group.copy } } };
  const lb_endpoints = group.addresses.map(({ ip, port }) => ({
    endpoint: { address: { socket_address: { address: ip, port_value: port } } },
    metadata,
  }));
  return { lb_endpoints, priority };
}

/**
 * Rendezvous hashing: each preview falls back to endpoints of its own choice, and one that comes or goes changes only
 * those assignments that held it or are to hold it.
 */
function nearest(name: string, addresses: readonly Address[]): readonly Address[] {
  if (addresses.length <= FALLBACK_ENDPOINTS) return addresses;
  const seed = hash(name, 0);
  const scored = addresses.map((address, index) => ({ address, index, score: hash(addressText(address), seed) }));
  scored.sort((a, b) => b.score - a.score || a.index - b.index);
  // In the order of the baseline's own list again.
  const chosen = scored.slice(0, FALLBACK_ENDPOINTS).sort((a, b) => a.index - b.index);
  return chosen.map(({ address }) => address);
}

function addressText(address: Address): string {
  return `${address.ip} ${address.port}`;
}

/** FNV-1a over the text, then mixed so that every bit of the seed counts. */
function hash(text: string, seed: number): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function resource(name: string, message: ClusterLoadAssignment, intercepts: readonly InterceptId[]): EnvoyResource {
  return { type: 'endpoints', name, message, clusters: [], endpointsName: undefined, intercepts };
}
