/** ClusterLoadAssignments: who answers, in which order of priority, and what the stamp says of each. */

import type { ClusterLoadAssignment, LocalityLbEndpoints, Metadata } from '../generated/envoy.d.ts';
import { COPY_BASELINE, COPY_FALLBACK } from '../model/carriers.ts';
import { constant } from '../model/constant.ts';
import type { Address, Intercept } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import type { Fallback } from './fallback.ts';
import { type EnvoyResource, RemadeResource } from './resource.ts';

/** Endpoints of one priority. */
export interface EndpointGroup {
  readonly addresses: readonly Address[];
  /** What the stamp says when one of these answers. */
  readonly copy: string;
}

/**
 * With Envoy's default (140) a preview of which half is unhealthy sends a third of its requests to the baseline. With
 * this one, a single healthy pod of 1,000 keeps them all.
 */
const OVERPROVISIONING = 100_000;

export function baselineEndpoints(name: string, baseline: readonly Address[]): EnvoyResource {
  return resource(name, () => endpointsOf(name, [{ addresses: baseline, copy: COPY_BASELINE }]), NO_ITEMS);
}

/** @param fallback undefined: there is none. */
export function previewEndpoints(name: string, intercept: Intercept, fallback: Fallback | undefined): EnvoyResource {
  const { id, endpoints, key } = intercept;
  const message = (): ClusterLoadAssignment => {
    const own: EndpointGroup = { addresses: endpoints, copy: key };
    const others = fallback?.chooseFor(name, endpoints) ?? [];
    const groups = others.length === 0 ? [own] : [own, { addresses: others, copy: COPY_FALLBACK }];
    return { ...endpointsOf(name, groups), policy: { overprovisioning_factor: OVERPROVISIONING } };
  };
  return resource(name, message, [id]);
}

/** Groups in order of priority. */
export function endpointsOf(name: string, groups: readonly EndpointGroup[]): ClusterLoadAssignment {
  return { cluster_name: name, endpoints: groups.map(localityOf) };
}

/** gRPC wants a locality with a weight, and priorities without a gap: an empty group is left out. */
export function clientEndpoints(endpoints: EnvoyResource): EnvoyResource {
  const message = (): object => {
    // This room made the message: it is a ClusterLoadAssignment.
    const assignment = endpoints.message as ClusterLoadAssignment;
    const groups = (assignment.endpoints ?? []).filter((group) => (group.lb_endpoints ?? []).length > 0);
    const renumbered = groups.map((group, priority) => ({ ...group, locality: {}, load_balancing_weight: 1, priority }));
    return { cluster_name: assignment.cluster_name, endpoints: renumbered };
  };
  return resource(endpoints.name, message, endpoints.intercepts);
}

function copyMetadata(copy: string): Metadata {
  return { filter_metadata: { detour: { copy } } };
}

/** One object for all endpoints of baselines, and for all of fallbacks. */
const BASELINE = constant(copyMetadata(COPY_BASELINE));
const FALLBACK = constant(copyMetadata(COPY_FALLBACK));

function metadataOf(copy: string): Metadata {
  if (copy === COPY_BASELINE) return BASELINE;
  return copy === COPY_FALLBACK ? FALLBACK : copyMetadata(copy);
}

function localityOf(group: EndpointGroup, priority: number): LocalityLbEndpoints {
  const metadata = metadataOf(group.copy);
  const lb_endpoints = group.addresses.map(({ ip, port }) => ({
    endpoint: { address: { socket_address: { address: ip, port_value: port } } },
    metadata,
  }));
  return { lb_endpoints, priority };
}

function resource(name: string, message: () => object, intercepts: readonly InterceptId[]): EnvoyResource {
  return new RemadeResource({ type: 'endpoints', name, clusters: NO_ITEMS, endpointsName: undefined, intercepts }, message);
}
