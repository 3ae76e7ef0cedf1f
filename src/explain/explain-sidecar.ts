/** A sidecar's hops: requests to its pod, and requests of its pod. */
import { COPY_BASELINE, MARK_HEADER } from '../model/carriers.ts';
import { withoutGuests } from '../model/guests.ts';
import type { PortModel, ServiceModel } from '../model/intercept.ts';
import { keyOfIntercept } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { InboundScope, Scope } from '../model/proxy.ts';
import { serviceNames } from '../translate/service-names.ts';
import { readAuthority } from './authority.ts';
import type { Explanation, Outcome } from './explanation.ts';
import { headerValue, lowerCase } from './headers.ts';
import { explainPorts, foundKey, type Hop, type Site } from './hop.ts';
import { carriedKey } from './key.ts';

type SidecarScope = Extract<Scope, { readonly kind: 'sidecar' }>;

interface InboundService {
  readonly service: ServiceModel;
  readonly ports: readonly [PortModel, ...PortModel[]];
}

export function explainInbound(scope: SidecarScope, port: number, hop: Hop): Explanation | { readonly error: string } {
  const inbound = scope.inbound.find(({ listen }) => listen.port === port);
  if (inbound === undefined) return { error: `The sidecar has no inbound listener at port ${port}.` };
  const services = inboundServices(inbound, hop);
  const ports = services.flatMap((each) => each.ports);
  const [first, ...others] = ports;
  if (first === undefined || ports.every(({ protocol }) => protocol === 'opaque'))
    return replied('inbound', { kind: 'app', why: 'unrouted' }, hop);
  const own = new Set(scope.previews);
  // A pod has one label, and so one key.
  const [intercept] = scope.previews;
  const copy = intercept === undefined ? COPY_BASELINE : keyOfIntercept(intercept);
  const stay: Site = { hop: 'inbound', baseline: 'app', app: { own, copy } };
  const mark = headerValue(hop.lines, MARK_HEADER);
  if (ports.some(({ key }) => key === mark))
    return { ...replied('inbound', { kind: 'app', why: 'decided' }, hop), target: first.key };

  const { host } = readAuthority(headerValue(hop.lines, 'host') ?? '');
  const named = services.filter(({ service }) => serviceNames(service, true).includes(host));
  const [meant] = named;
  // A name of several Services is none: all their rules together decide, but for those of guests, whom one may let in.
  if (meant === undefined || named.length > 1) {
    const [one, ...more] = services.length === 1 ? [first, ...others] : [withoutGuests(first), ...others.map(withoutGuests)];
    return explainPorts([one ?? first, ...more], stay, hop);
  }
  const leaked = scope.inBaselineOf.includes(meant.service.key);
  if (services.length === 1 && !leaked) return explainPorts([first, ...others], stay, hop);
  return explainPorts(meant.ports, leaked ? { ...stay, baseline: 'baseline' } : stay, hop);
}

export function explainOutbound(scope: SidecarScope, hop: Hop): Explanation {
  const authority = lowerCase(headerValue(hop.lines, 'host') ?? '');
  const site: Site = { hop: 'outbound', baseline: 'baseline', app: undefined };
  const captured = scope.capture !== undefined;
  const services = [...hop.model.services.values()]
    .filter(({ key, namespace }) => captured || namespace === scope.namespace || scope.services.includes(key))
    .sort((a, b) => compareText(a.key, b.key));
  for (const service of services) {
    const port = calledPort(service, authority, service.namespace === scope.namespace);
    if (port !== undefined && (!captured || isIntercepted(port))) return explainPorts([port], site, hop);
  }
  return replied('outbound', captured ? { kind: 'onward' } : { kind: 'unknown', what: 'host' }, hop);
}

function isIntercepted({ routes, rules, mirrors, mirrorRules }: PortModel): boolean {
  return routes.size > 0 || rules.length > 0 || mirrors.size > 0 || mirrorRules.length > 0;
}

/** Without a port, 80 is meant, or else the first. */
function calledPort(service: ServiceModel, authority: string, short: boolean): PortModel | undefined {
  if (service.external) return undefined;
  const ports = service.ports.filter(({ protocol }) => protocol !== 'opaque');
  for (const name of serviceNames(service, short)) {
    if (authority === name) return ports.find(({ port }) => port === 80) ?? ports[0];
    const port = ports.find((each) => authority === `${name}:${each.port}`);
    if (port !== undefined) return port;
  }
  return undefined;
}

function inboundServices(inbound: InboundScope, { model }: Hop): readonly InboundService[] {
  const keys = [...new Set(inbound.services.map(({ service }) => service))].sort(compareText);
  return keys.flatMap((key) => {
    const service = model.services.get(key);
    const numbers = new Set(inbound.services.filter((each) => each.service === key).map(({ port }) => port));
    const [first, ...others] = (service?.ports ?? []).filter(({ port }) => numbers.has(port));
    return service === undefined || first === undefined ? [] : [{ service, ports: [first, ...others] as const }];
  });
}

/** Nobody decides here. */
function replied(hop: 'inbound' | 'outbound', outcome: Outcome, { model, lines, carriers }: Hop): Explanation {
  const key = foundKey(carriedKey(lines, carriers), model);
  return { hop, key, target: undefined, outcome, mirror: undefined, servedBy: undefined, decided: undefined, losers: [] };
}
