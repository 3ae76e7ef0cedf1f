/** A sidecar's resources with explicit ports: a listener and a RouteConfiguration for each, and its apps. */

import { COPY_BASELINE } from '../model/carriers.ts';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { type InterceptId, type ObjectKey, splitObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { InboundScope, Scope } from '../model/proxy.ts';
import { appCluster } from './clusters.ts';
import { type InboundService, inboundConfiguration, inboundProtocol, ownKey } from './inbound-routes.ts';
import { leftoverInbound } from './leftover-routes.ts';
import { inboundListener, outboundListener } from './listeners.ts';
import type { LuaSource } from './lua-source.ts';
import { appClusterName, inboundName } from './names.ts';
import { outboundConfiguration } from './outbound-routes.ts';
import { gone, type ModelView, type Plan, present } from './plan.ts';
import type { EnvoyResource, ResourceChange } from './resource.ts';
import type { SharedResources } from './shared-resources.ts';

export class SidecarPlan implements Plan {
  readonly #scope: Extract<Scope, { kind: 'sidecar' }>;
  readonly #source: LuaSource;
  readonly #shared: SharedResources;
  readonly #own: ReadonlySet<InterceptId>;
  readonly #further: ReadonlySet<ObjectKey>;
  /** Services that the outbound listener knows. */
  #reachable = new Set<ObjectKey>();

  constructor(scope: Extract<Scope, { kind: 'sidecar' }>, source: LuaSource, shared: SharedResources) {
    this.#scope = scope;
    this.#source = source;
    this.#shared = shared;
    this.#own = new Set(scope.previews);
    this.#further = new Set(scope.services);
  }

  *update(view: ModelView, change: ModelChange | undefined): Iterable<ResourceChange> {
    if (change === undefined) {
      for (const { app } of this.#scope.inbound) yield present(appCluster(app, ownKey(this.#own) ?? COPY_BASELINE));
    }
    for (const inbound of this.#scope.inbound) {
      const touched = inbound.services.some(({ service }) => change?.services.has(service));
      if (change === undefined || touched) yield* this.#inbound(inbound, view);
    }
    if (this.#scope.outbound === undefined) return;
    if (change === undefined) {
      this.#reachable = new Set();
      const { outbound } = this.#scope;
      const made = () => outboundListener(outbound, this.#source);
      yield present(this.#shared.listeners.get(['outbound', outbound.host, outbound.port], made));
    }
    let touched = change === undefined;
    for (const service of change?.services ?? view.model.services.keys()) {
      if (!this.#reaches(service)) continue;
      touched = true;
      if (view.model.services.has(service)) this.#reachable.add(service);
      else this.#reachable.delete(service);
    }
    if (touched) yield this.#outbound(view, change);
  }

  readonly concerns = (_model: InterceptModel, { services }: ModelChange): boolean => {
    for (const service of services) {
      if (this.#scope.inbound.some((inbound) => inbound.services.some((each) => each.service === service))) return true;
      if (this.#scope.outbound !== undefined && this.#reaches(service)) return true;
    }
    return false;
  };

  readonly leftover = (name: string): EnvoyResource | undefined => {
    const inbound = this.#scope.inbound.find(({ listen }) => inboundName(listen) === name);
    return inbound === undefined ? undefined : leftoverInbound(name, appClusterName(inbound.app));
  };

  #reaches(service: ObjectKey): boolean {
    return this.#further.has(service) || splitObjectKey(service).namespace === this.#scope.namespace;
  }

  *#inbound(inbound: InboundScope, view: ModelView): Iterable<ResourceChange> {
    const services = inboundServices(inbound, view);
    const protocol = inboundProtocol(services);
    const { listen, app } = inbound;
    const made = () => inboundListener(inbound, protocol, this.#source);
    yield present(this.#shared.listeners.get(['inbound', listen.host, listen.port, app.host, app.port, protocol], made));
    const [first, ...others] = services;
    if (first === undefined || protocol === 'opaque') {
      yield gone('route', inboundName(inbound.listen));
      return;
    }
    const { inBaselineOf } = this.#scope;
    const carrier = this.#source.carriers.header;
    yield present(
      inboundConfiguration({ inbound, services: [first, ...others], carrier, own: this.#own, inBaselineOf, captured: false }),
    );
  }

  #outbound(view: ModelView, change: ModelChange | undefined): ResourceChange {
    // Every sidecar of a namespace that asks for the same has the same.
    const id = ['outbound', this.#scope.namespace, ...this.#scope.services].join(' ');
    const make = (): EnvoyResource => this.#shared.keep(id, this.#table(view));
    return present(change === undefined || !view.isWhole ? make() : this.#shared.onceForChange(change, id, make));
  }

  #table(view: ModelView): EnvoyResource {
    const parts = [...this.#reachable].sort(compareText).flatMap((key) => {
      const service = view.service(key);
      return service === undefined ? [] : this.#shared.outbound(service, service.namespace === this.#scope.namespace);
    });
    return outboundConfiguration(parts);
  }
}

/** Those that are there, each with its ports that lead here. */
export function inboundServices(inbound: InboundScope, view: ModelView): readonly InboundService[] {
  const keys = new Set(inbound.services.map(({ service }) => service));
  return [...keys].flatMap((key): readonly InboundService[] => {
    const service = view.service(key);
    const numbers = new Set(inbound.services.filter((each) => each.service === key).map(({ port }) => port));
    const [first, ...others] = service?.ports.filter(({ port }) => numbers.has(port)) ?? [];
    return service === undefined || first === undefined ? [] : [{ service, ports: [first, ...others] }];
  });
}
