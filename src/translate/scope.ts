/** From who an Envoy is to what it may see. */
import { ANY_ADDRESS, OWN_POD } from '../model/capture.ts';
import type { InterceptModel, PodModel } from '../model/intercept.ts';
import { type ObjectKey, objectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { InboundPort, InboundScope, Proxy, Scope } from '../model/proxy.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import type { ResourceType } from './resource.ts';
import { sortedUnique } from './sorted-unique.ts';

/** A sidecar's scope depends on what the model says of its pod: to be asked again when `ModelChange.pods` names it. */
export function scopeOf(proxy: Proxy, model: InterceptModel): Scope {
  if (proxy.role === 'client') return { kind: 'client' };
  if (proxy.role === 'gateway') {
    const { role: _, name: __, ...scope } = proxy;
    return { kind: 'gateway', ...scope };
  }
  const pod = model.pods.get(objectKey(proxy.namespace, proxy.name));
  return {
    kind: 'sidecar',
    namespace: proxy.namespace,
    inbound: inboundPorts(proxy, pod).map((port) => inboundScope(port, pod)),
    outbound: proxy.outbound,
    services: sortedUnique(proxy.services),
    previews: sortedUnique(pod?.previews ?? []),
    inBaselineOf: sortedUnique(pod?.inBaselineOf ?? []),
    ...(proxy.capture !== undefined && { capture: proxy.capture }),
    ...(proxy.egress !== undefined && { egress: proxy.egress }),
  };
}

/** Where traffic is captured, those that Services have of the pod: all others are passed through unseen. */
function inboundPorts(proxy: Extract<Proxy, { role: 'sidecar' }>, pod: PodModel | undefined): readonly InboundPort[] {
  const [family] = proxy.capture ?? [];
  if (family === undefined) return proxy.inbound;
  const ports = [...new Set(pod?.ports.map(({ port }) => port))].sort((a, b) => a - b);
  // Their names are the same whatever the family is.
  return ports.map((port) => ({ listen: { host: ANY_ADDRESS.ipv4, port }, app: { host: OWN_POD[family], port } }));
}

const TYPES: ReadonlySet<ResourceType> = new Set<ResourceType>(['cluster', 'endpoints', 'listener', 'route']);
const GATEWAY_TYPES: ReadonlySet<ResourceType> = new Set<ResourceType>([...TYPES, 'scopedRoute']);

/** Of which types its resources can be at all, now or later. */
export function typesOf(scope: Scope): ReadonlySet<ResourceType> {
  return scope.kind === 'gateway' ? GATEWAY_TYPES : TYPES;
}

/** Equal for equal scopes, different for different ones. */
export function scopeKey(scope: Scope): string {
  if (scope.kind === 'client') return 'client';
  if (scope.kind === 'gateway') {
    const { namespace, listen, tls, trustedHops = 0, previewDomain, corsOrigins, carriers = null } = scope;
    const addresses = [listen, tls?.listen].map((address) => (address === undefined ? null : formatSocketAddress(address)));
    const ofTls = tls === undefined ? null : [tls.certificates, tls.sdsFolder, tls.redirectPort ?? null];
    return JSON.stringify(['gateway', namespace, addresses, ofTls, trustedHops, previewDomain ?? null, corsOrigins, carriers]);
  }
  const inbound = scope.inbound.map(({ listen, app, services }) => [
    ...[listen.host, listen.port, app.host, app.port],
    services.map(({ service, port }) => [service, port]),
  ]);
  const outbound = scope.outbound === undefined ? null : [scope.outbound.host, scope.outbound.port];
  const { namespace, services, previews, inBaselineOf, capture = [], egress = null } = scope;
  return JSON.stringify(['sidecar', namespace, inbound, outbound, services, previews, inBaselineOf, capture, egress]);
}

/**
 * The Services of an explicit port: an EndpointSlice names the port that the sidecar listens on, or, where something
 * else brings the traffic there, the app's own.
 */
function inboundScope(port: InboundPort, pod: PodModel | undefined): InboundScope {
  const own = (pod?.ports ?? []).filter((each) => each.port === port.listen.port || each.port === port.app.port);
  const found = new Map<string, { readonly service: ObjectKey; readonly port: number }>();
  for (const { service, servicePort } of own) found.set(`${service}:${servicePort}`, { service, port: servicePort });
  const services = [...found.values()].sort((a, b) => compareText(a.service, b.service) || a.port - b.port);
  return { listen: port.listen, app: port.app, services };
}
