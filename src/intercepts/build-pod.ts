/** What a sidecar needs to know of its pod, from everything that names the pod. */
import type { EndpointSlice, Pod, Service } from '../model/cluster-state.ts';
import type { PodModel, PodPort } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { NO_ITEMS, orNone } from '../model/none.ts';
import { compareText } from '../model/order.ts';
import { endpointPort, podPort } from './preview-endpoints.ts';
import { type Binding, tcpPorts } from './targets.ts';

/** An intercept that a preview's pods stand in with; never an invalid one. */
export interface Role {
  readonly intercept: InterceptId;
  readonly service: ObjectKey;
  readonly binding: Binding;
  /** Whether requests come for it. */
  readonly active: boolean;
}

export interface PodInput {
  /** undefined: not a pod with the preview label. */
  readonly pod: Pod | undefined;
  /** Roles of the preview that it belongs to. */
  readonly roles: readonly Role[];
  /** Where it is an endpoint. */
  readonly memberships: readonly Membership[];
  /** Services that it stands in for, and that it was taken out of. */
  readonly inBaselineOf: readonly ObjectKey[];
}

export interface Membership {
  readonly slice: EndpointSlice;
  /** undefined: there is no Service to the slice. */
  readonly service: Service | undefined;
  /** Roles of that Service, where it is a preview itself. */
  readonly roles: readonly Role[];
}

/** @returns undefined: nothing knows the pod. */
export function buildPod(input: PodInput): PodModel | undefined {
  const { pod, roles, memberships, inBaselineOf } = input;
  if (pod === undefined && memberships.length === 0) return undefined;
  const own = pod === undefined ? [] : roles.flatMap((role) => portOf(role, podPort(pod, role.binding)));
  const ports = [...own, ...memberships.flatMap(membershipPorts)];
  return {
    ports: ports.length < 2 ? ports : withoutDuplicates(ports).sort(comparePorts),
    previews: servedBy([roles, ...memberships.map((membership) => membership.roles)]),
    inBaselineOf: inBaselineOf.length === 0 ? NO_ITEMS : inBaselineOf.toSorted(compareText),
  };
}

function servedBy(lists: readonly (readonly Role[])[]): readonly InterceptId[] {
  if (lists.every((roles) => roles.length === 0)) return NO_ITEMS;
  const served = lists.flat().filter(({ active }) => active);
  return orNone([...new Set(served.map(({ intercept }) => intercept))].sort(compareText));
}

function withoutDuplicates(ports: readonly PodPort[]): PodPort[] {
  return [...new Map(ports.map((port) => [`${port.port} ${port.service} ${port.servicePort}`, port])).values()];
}

function membershipPorts({ slice, service, roles }: Membership): readonly PodPort[] {
  if (service === undefined) return [];
  const ports = tcpPorts(service).flatMap(({ name, port }) => {
    const number = slice.ports.find((candidate) => candidate.name === name)?.port;
    return number === undefined ? [] : [{ port: number, service: slice.service, servicePort: port }];
  });
  return [...ports, ...roles.flatMap((role) => portOf(role, endpointPort(slice, service, role.binding)))];
}

function portOf({ service, binding }: Role, port: number | undefined): readonly PodPort[] {
  return port === undefined ? [] : [{ port, service, servicePort: binding.port.port }];
}

function comparePorts(a: PodPort, b: PodPort): number {
  return a.port - b.port || compareText(a.service, b.service) || a.servicePort - b.servicePort;
}
