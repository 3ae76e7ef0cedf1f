/** ClusterLoadAssignments: who answers, in which order of priority, and what the stamp says of each. */

import type { ClusterLoadAssignment, LocalityLbEndpoints, Metadata } from '../generated/envoy.d.ts';
import { COPY_BASELINE, COPY_FALLBACK } from '../model/carriers.ts';
import { constant } from '../model/constant.ts';
import type { Address, Intercept } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import { numberMark, Stencil, Stenciled, textMark } from '../model/stencil.ts';
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

/** By the number of endpoints. The places: the name, then address and port of each endpoint. */
const BASELINES = Array.from({ length: 17 }, (_, count) => {
  const addresses = Array.from({ length: count }, (_, index) => ({
    ip: textMark(2 * index + 1),
    port: numberMark(2 * index + 2),
  }));
  return new Stencil(endpointsOf(textMark(0), [{ addresses, copy: COPY_BASELINE }]));
});

export function baselineEndpoints(name: string, baseline: readonly Address[]): EnvoyResource {
  const message = (): object => {
    const stencil = BASELINES[baseline.length];
    if (stencil === undefined) return endpointsOf(name, [{ addresses: baseline, copy: COPY_BASELINE }]);
    const values: (string | number)[] = [name];
    for (const { ip, port } of baseline) values.push(ip, port);
    return new Stenciled(stencil, values);
  };
  return resource(name, message, NO_ITEMS);
}

function resource(name: string, message: () => object, intercepts: readonly InterceptId[]): EnvoyResource {
  return new RemadeResource({ type: 'endpoints', name, clusters: NO_ITEMS, endpointsName: undefined, intercepts }, message);
}
