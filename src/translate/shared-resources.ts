/** What scopes have in common, so that equal resources are the same object and are encoded once. */

import type { Address, HostModel, Intercept, ModelChange, PortModel, ServiceModel } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { capturedParts } from './captured-routes.ts';
import { type ClusterPair, clusterPair, type PairSource, pairSource, samePair } from './cluster-pair.ts';
import type { ClusterUser } from './clusters.ts';
import { Fallback } from './fallback.ts';
import { hostPart, type ServiceLookup } from './gateway-routes.ts';
import { HostStencils } from './host-stencils.ts';
import { HttpPorts } from './http-ports.ts';
import { KeptWhileUsed } from './kept-while-used.ts';
import type { ClusterTarget } from './names.ts';
import { outboundParts } from './outbound-routes.ts';
import { type EnvoyResource, keepResource } from './resource.ts';
import { RemadePart, remadeRouteConfiguration, samePart, type VirtualHostPart } from './virtual-host.ts';

interface PairMemo {
  readonly target: ClusterTarget;
  readonly source: PairSource;
  readonly pair: ClusterPair;
}

interface HostMemo {
  readonly services: readonly (ServiceModel | undefined)[];
  readonly part: VirtualHostPart;
}

export class SharedResources {
  readonly #carrier: string;
  readonly #hostStencils: HostStencils;
  /** Models are new objects whenever anything in them changes, so what is made of one lives as long as it does. */
  readonly #without = new WeakMap<ServiceModel, Map<string, ServiceModel>>();
  readonly #hosts = new WeakMap<HostModel, HostMemo>();
  readonly #fallbacks = new WeakMap<readonly Address[], Fallback>();
  readonly #outbound = new WeakMap<ServiceModel, Map<boolean, readonly VirtualHostPart[]>>();
  readonly #captured = new WeakMap<ServiceModel, Map<boolean, ReadonlyMap<number, readonly VirtualHostPart[]>>>();
  readonly httpPorts = new HttpPorts();
  /** Of sidecars: the filter's text is most of what one holds, and pods of one kind have the same. */
  readonly listeners = new KeptWhileUsed<EnvoyResource>();
  /** What was made last: most of it is the same the next time. */
  readonly #pairs: Readonly<Record<ClusterUser, Map<string, PairMemo>>> = {
    gateway: new Map(),
    sidecar: new Map(),
    client: new Map(),
  };
  /** Names of the pairs of a Service. */
  readonly #pairsOf = new Multimap<ObjectKey, string>();
  /** Models whose pairs were looked through: each is the newest of its Service. */
  readonly #pruned = new WeakSet<ServiceModel>();
  /** Their ids have what Envoys say of themselves in them, so there may be any number of those that nobody has any more. */
  readonly #lastResources = new KeptWhileUsed<EnvoyResource>();
  /** What RouteConfigurations are made of. */
  readonly #partsOf = new WeakMap<EnvoyResource, readonly VirtualHostPart[]>();
  #change: { readonly of: ModelChange; readonly made: Map<string, EnvoyResource> } | undefined;

  constructor(carrier: string) {
    this.#carrier = carrier;
    this.#hostStencils = new HostStencils(carrier);
  }

  /** The Service as if these intercepts were not there. */
  without(service: ServiceModel, excluded: ReadonlySet<InterceptId>): ServiceModel {
    if (excluded.size === 0) return service;
    const out = service.intercepts.filter((intercept) => excluded.has(intercept.id));
    if (out.length === 0) return service;
    const id = out.map((intercept) => intercept.id).join(' ');
    return memo(memo(this.#without, service, newMap<string, ServiceModel>), id, () => withoutIntercepts(service, excluded));
  }

  /** @param name of the target. @returns undefined when the Service has no such port or intercept. */
  pair(name: string, target: ClusterTarget, service: ServiceModel, user: ClusterUser): ClusterPair | undefined {
    const source = pairSource(target, service);
    const pairs = this.#pairs[user];
    if (source === undefined) {
      pairs.delete(name);
      return undefined;
    }
    const before = pairs.get(name);
    if (before !== undefined && samePair(before.source, source)) return before.pair;
    const made = clusterPair(target, source, user, (addresses) => this.#fallback(addresses));
    const pair = {
      cluster: keepResource(before?.pair.cluster, made.cluster),
      endpoints: keepResource(before?.pair.endpoints, made.endpoints),
    };
    pairs.set(name, { target, source, pair });
    this.#pairsOf.add(service.key, name);
    return pair;
  }

  #fallback(addresses: readonly Address[]): Fallback {
    return memo(this.#fallbacks, addresses, () => new Fallback(addresses));
  }

  /** To be told when a Service is gone. */
  forget(service: ObjectKey): void {
    this.#dropPairs(service, () => true);
  }

  /** To be told when a Service is another one: what was made for previews that it has no more is forgotten. */
  prune(service: ServiceModel): void {
    if (this.#pruned.has(service)) return;
    this.#pruned.add(service);
    this.#dropPairs(service.key, (target) => pairSource(target, service) === undefined);
  }

  #dropPairs(service: ObjectKey, isGone: (target: ClusterTarget) => boolean): void {
    for (const name of this.#pairsOf.list(service)) {
      let isKept = false;
      for (const pairs of Object.values(this.#pairs)) {
        const target = pairs.get(name)?.target;
        if (target === undefined) continue;
        if (isGone(target)) pairs.delete(name);
        else isKept = true;
      }
      if (!isKept) this.#pairsOf.delete(service, name);
    }
  }

  host(host: HostModel, lookup: ServiceLookup): VirtualHostPart {
    const services = host.paths.map((path) => lookup(path.service));
    const known = this.#hosts.get(host);
    if (known?.services.every((service, index) => service === services[index]) === true) return known.part;
    const made = this.#hostStencils.part(host, services) ?? new RemadePart(() => hostPart(host, services, this.#carrier));
    const part = known !== undefined && samePart(known.part, made) ? known.part : made;
    this.#hosts.set(host, { services, part });
    return part;
  }

  outbound(service: ServiceModel, short: boolean): readonly VirtualHostPart[] {
    const parts = memo(this.#outbound, service, newMap<boolean, readonly VirtualHostPart[]>);
    return memo(parts, short, () => outboundParts(service, short, this.#carrier));
  }

  captured(service: ServiceModel, short: boolean): ReadonlyMap<number, readonly VirtualHostPart[]> {
    const parts = memo(this.#captured, service, newMap<boolean, ReadonlyMap<number, readonly VirtualHostPart[]>>);
    return memo(parts, short, () => capturedParts(service, short, this.#carrier));
  }

  /** The RouteConfiguration of these parts: the object that was made last under this id, where all of them are the same. */
  routes(id: string, name: string, parts: readonly VirtualHostPart[]): EnvoyResource {
    const known = this.#lastResources.last(id);
    const before = known === undefined ? undefined : this.#partsOf.get(known);
    const isSame = before?.length === parts.length && parts.every((part, index) => samePart(part, before[index] ?? part));
    if (known !== undefined && isSame) return known;
    const resource = remadeRouteConfiguration(name, parts, { ignore_port_in_host_matching: true });
    this.#partsOf.set(resource, parts);
    this.#lastResources.put(id, resource);
    return resource;
  }

  /** The object that was made last under this id, where the new one says the same. */
  keep(id: string, resource: EnvoyResource): EnvoyResource {
    const kept = keepResource(this.#lastResources.last(id), resource);
    this.#lastResources.put(id, kept);
    return kept;
  }

  /** What sidecars of one kind make of one change is made by the first of them. @param id what it is */
  onceForChange(change: ModelChange, id: string, make: () => EnvoyResource): EnvoyResource {
    if (this.#change?.of !== change) this.#change = { of: change, made: new Map() };
    return memo(this.#change.made, id, make);
  }

  /** To be told when what was kept under this id is gone. */
  drop(id: string): void {
    this.#lastResources.delete(id);
  }
}

function withoutIntercepts(service: ServiceModel, excluded: ReadonlySet<InterceptId>): ServiceModel {
  const stays = (intercept: Intercept): boolean => !excluded.has(intercept.id);
  const routes = (map: PortModel['routes']): PortModel['routes'] => new Map([...map].filter(([, each]) => stays(each)));
  const rules = (list: PortModel['rules']): PortModel['rules'] => list.filter((each) => stays(each.intercept));
  return {
    ...service,
    ports: service.ports.map((port) => ({
      ...port,
      routes: routes(port.routes),
      rules: rules(port.rules),
      mirrors: routes(port.mirrors),
      mirrorRules: rules(port.mirrorRules),
    })),
    intercepts: service.intercepts.filter(stays),
  };
}

function newMap<K, V>(): Map<K, V> {
  return new Map();
}

interface Memory<K, V> {
  has(key: K): boolean;
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

function memo<K, V>(memory: Memory<K, V>, key: K, make: () => V): V {
  const known = memory.get(key);
  if (known !== undefined || memory.has(key)) return known as V; // `has` says that it is a V
  const made = make();
  memory.set(key, made);
  return made;
}
