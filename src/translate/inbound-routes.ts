/** What an inbound sidecar routes: requests that others send to the pod (design, section 3, "Sidecar inbound"). */
import { withoutGuests } from '../model/guests.ts';
import type { PortModel, PortProtocol, ServiceModel } from '../model/intercept.ts';
import { type InterceptId, keyOfIntercept, type ObjectKey } from '../model/names.ts';
import type { InboundScope } from '../model/proxy.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import { baselineLeaf, type Decision, decide, type Hop } from './decision.ts';
import { type InboundHopOptions, inboundHop, leakedHop } from './hops.ts';
import { inboundName } from './names.ts';
import type { EnvoyResource } from './resource.ts';
import { serviceNames } from './service-names.ts';
import { type DecidedRequests, routeConfiguration, type VirtualHostPart, virtualHostPart } from './virtual-host.ts';

/** A Service with those of its ports that lead to this port of the pod. */
export interface InboundService {
  readonly service: ServiceModel;
  readonly ports: readonly [PortModel, ...PortModel[]];
}

export interface InboundOptions {
  readonly inbound: InboundScope;
  /** In the order of their keys; never empty. */
  readonly services: readonly [InboundService, ...InboundService[]];
  readonly carrier: string;
  /** Intercepts that the pod serves itself. */
  readonly own: ReadonlySet<InterceptId>;
  /** Services that the pod, a preview, is in by mistake. */
  readonly inBaselineOf: readonly ObjectKey[];
  /** See {@link InboundHopOptions}. */
  readonly captured: boolean;
}

/** HTTP as soon as one Service says so; a port without a Service is left as it is. */
export function inboundProtocol(services: readonly InboundService[]): PortProtocol {
  const protocols = services.flatMap(({ ports }) => ports.map((port) => port.protocol));
  return (['http2', 'http1', 'maybe'] as const).find((each) => protocols.includes(each)) ?? 'opaque';
}

/** The pod's own key, where it is a preview: it has one label. */
export function ownKey([first]: Iterable<InterceptId>): string | undefined {
  return first === undefined ? undefined : keyOfIntercept(first);
}

export function inboundConfiguration(options: InboundOptions): EnvoyResource {
  const { inbound, services, carrier, own, inBaselineOf, captured } = options;
  const stay = inboundHop({ carrier, app: inbound.app, own, captured });
  const goOn = leakedHop({ carrier, app: inbound.app, own, captured });
  const decided = decidedRequests(options, stay);
  const part = (name: string, domains: readonly string[], decision: Decision): VirtualHostPart =>
    virtualHostPart({ name, domains, carrier, paths: [{ prefix: '/', decision }], decided });

  // A single Service whose requests stay is what any host means.
  const byName = services.length > 1 || inBaselineOf.includes(services[0].service.key) ? services : [];
  const shared = sharedNames(byName);
  const named = byName.flatMap(({ service, ports }) => {
    const domains = serviceNames(service, true).filter((name) => !shared.has(name));
    const hop = inBaselineOf.includes(service.key) ? goOn : stay;
    return domains.length === 0 ? [] : [part(service.key, domains, decide(ports, hop))];
  });
  const [first, ...others] = services;
  const ports: readonly [PortModel, ...PortModel[]] = [...first.ports, ...others.flatMap((each) => each.ports)];
  // For which of several Services a request is, nobody knows: only one of them may let a guest in.
  const anyOf = services.length === 1 ? ports : ([withoutGuests(ports[0]), ...ports.slice(1).map(withoutGuests)] as const);
  const parts = [...named, part('*', ['*'], decide(anyOf, stay))];
  return routeConfiguration(inboundName(inbound.listen), parts, { ignore_port_in_host_matching: true });
}

/** A hop before this one decided, and this is where it sent them. */
function decidedRequests({ inbound, services, own }: InboundOptions, hop: Hop): DecidedRequests {
  const [{ ports }] = services;
  const key = ownKey(own);
  const unavailable =
    key === undefined
      ? undefined
      : `The app of the preview ${key} accepts no connections at ${formatSocketAddress(inbound.app)}.`;
  const targets = services.flatMap((each) => each.ports.map((port) => port.key));
  return { targets, leaf: { ...baselineLeaf(ports[0], hop), name: 'decided', unavailable } };
}

/** Names that mean more than one of these Services: the mark tells them apart, or all rules together decide. */
function sharedNames(services: readonly InboundService[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const name of services.flatMap(({ service }) => serviceNames(service, true))) {
    if (seen.has(name)) shared.add(name);
    seen.add(name);
  }
  return shared;
}
