/**
 * A sidecar's resources where its pod's traffic is captured (design, section 3, "Sidecar outbound"): a listener for each
 * port number at which there may be HTTP to route, and a RouteConfiguration for each direction of it. A pod's connections
 * outlive what is known of its ports, so the app needs no cluster that could go: it is where they were opened to.
 * Connections to all other ports never meet anything of this: the bootstrap passes them through.
 */
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { type InterceptId, type ObjectKey, splitObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { InboundScope, Scope } from '../model/proxy.ts';
import { capturedConfiguration } from './captured-routes.ts';
import { originalDestinationCluster } from './clusters.ts';
import { inboundConfiguration, inboundProtocol } from './inbound-routes.ts';
import { leftoverCaptured } from './leftover-routes.ts';
import { type CapturedPort, capturedListener } from './listeners.ts';
import type { LuaSource } from './lua-source.ts';
import { capturedName, capturedOutboundName, inboundName } from './names.ts';
import { gone, type ModelView, type Plan, present } from './plan.ts';
import type { EnvoyResource, ResourceChange } from './resource.ts';
import type { SharedResources } from './shared-resources.ts';
import { inboundServices } from './sidecar-plan.ts';

const HTTP_PORT = 80;

export class CapturePlan implements Plan {
  readonly #scope: Extract<Scope, { kind: 'sidecar' }>;
  readonly #source: LuaSource;
  readonly #shared: SharedResources;
  readonly #own: ReadonlySet<InterceptId>;
  readonly #inboundByPort: ReadonlyMap<number, InboundScope>;
  /** What each port's listener was last made for. */
  readonly #listening = new Map<number, Pick<CapturedPort, 'outbound' | 'inbound'>>();
  /** Port numbers at which requests to a Service are routed, because it has intercepts. */
  readonly #routed = new Map<ObjectKey, readonly number[]>();
  /** Of the HTTP ports when they were last looked at. */
  #turns = -1;

  constructor(scope: Extract<Scope, { kind: 'sidecar' }>, source: LuaSource, shared: SharedResources) {
    this.#scope = scope;
    this.#source = source;
    this.#shared = shared;
    this.#own = new Set(scope.previews);
    this.#inboundByPort = new Map(scope.inbound.map((inbound) => [inbound.listen.port, inbound]));
  }

  *update(view: ModelView, change: ModelChange | undefined): Iterable<ResourceChange> {
    if (change === undefined) {
      this.#listening.clear();
      this.#routed.clear();
      yield present(originalDestinationCluster());
    }
    this.#shared.httpPorts.update(view.model, change?.services);
    const served = this.#shared.httpPorts.of(this.#scope.namespace, this.#scope.services);
    // Nobody's Service has to be at the port where HTTP leaves the cluster.
    const httpPorts = this.#scope.egress === undefined ? served : new Set([...served, HTTP_PORT]);
    this.#turns = this.#shared.httpPorts.turns(this.#scope.namespace);
    for (const inbound of this.#scope.inbound) {
      const touched = inbound.services.some(({ service }) => change?.services.has(service));
      if (change === undefined || touched) yield* this.#inbound(inbound, view);
    }
    const touched = this.#route(view, change);
    for (const port of httpPorts) if (change === undefined || touched.has(port)) yield this.#outbound(port, view, change);
    for (const port of new Set([...httpPorts, ...this.#inboundByPort.keys(), ...this.#listening.keys()])) {
      yield* this.#listener(port, httpPorts.has(port), touched, view);
    }
  }

  readonly concerns = (model: InterceptModel, { services }: ModelChange): boolean => {
    this.#shared.httpPorts.update(model, services);
    if (this.#shared.httpPorts.turns(this.#scope.namespace) !== this.#turns) return true;
    for (const key of services) {
      if (this.#routed.has(key) || model.services.get(key)?.intercepts.length !== 0) return true;
      if (this.#scope.services.includes(key)) return true;
      if (this.#scope.inbound.some((inbound) => inbound.services.some((each) => each.service === key))) return true;
    }
    return false;
  };

  readonly leftover = leftoverCaptured;

  *#inbound(inbound: InboundScope, view: ModelView): Iterable<ResourceChange> {
    const [first, ...others] = inboundServices(inbound, view);
    if (first === undefined || inboundProtocol([first, ...others]) === 'opaque') {
      yield gone('route', inboundName(inbound.listen));
      return;
    }
    const { inBaselineOf } = this.#scope;
    const carrier = this.#source.carriers.header;
    yield present(
      inboundConfiguration({ inbound, services: [first, ...others], carrier, own: this.#own, inBaselineOf, captured: true }),
    );
  }

  /** @returns ports whose routes may differ. */
  #route(view: ModelView, change: ModelChange | undefined): ReadonlySet<number> {
    const touched = new Set<number>();
    for (const key of change?.services ?? view.model.services.keys()) {
      const service = view.service(key);
      const before = this.#routed.get(key) ?? [];
      const after = service === undefined ? [] : [...this.#shared.captured(service, this.#isShort(key)).keys()];
      for (const port of [...before, ...after]) touched.add(port);
      if (after.length > 0) this.#routed.set(key, after);
      else this.#routed.delete(key);
    }
    return touched;
  }

  #outbound(port: number, view: ModelView, change: ModelChange | undefined): ResourceChange {
    // Every captured pod of a namespace has the same.
    const id = `captured ${this.#scope.namespace} ${port}`;
    const make = (): EnvoyResource => this.#shared.keep(id, this.#table(port, view));
    return present(change === undefined || !view.isWhole ? make() : this.#shared.onceForChange(change, id, make));
  }

  #table(port: number, view: ModelView): EnvoyResource {
    const keys = [...this.#routed].filter(([, ports]) => ports.includes(port)).map(([key]) => key);
    const parts = keys.sort(compareText).flatMap((key) => {
      const service = view.service(key);
      return service === undefined ? [] : (this.#shared.captured(service, this.#isShort(key)).get(port) ?? []);
    });
    return capturedConfiguration(port, parts);
  }

  *#listener(port: number, outbound: boolean, touched: ReadonlySet<number>, view: ModelView): Iterable<ResourceChange> {
    const scope = this.#inboundByPort.get(port);
    const protocol = scope === undefined ? 'opaque' : inboundProtocol(inboundServices(scope, view));
    const inbound = scope === undefined || protocol === 'opaque' ? undefined : { listen: scope.listen, protocol };
    const before = this.#listening.get(port);
    if (!outbound && inbound === undefined) {
      if (before === undefined) return;
      this.#listening.delete(port);
      yield gone('listener', capturedName(port));
      yield gone('route', capturedOutboundName(port));
      return;
    }
    if (before?.outbound === outbound && before.inbound?.protocol === inbound?.protocol) return;
    this.#listening.set(port, { outbound, inbound });
    const families = this.#scope.capture ?? [];
    // A port that nobody spoke HTTP at before has no routes yet.
    if (outbound && before?.outbound !== true && !touched.has(port)) yield this.#outbound(port, view, undefined);
    if (!outbound) yield gone('route', capturedOutboundName(port));
    const { egress } = this.#scope;
    const parts = { port, families, outbound, inbound, egress };
    yield present(this.#shared.listeners.get(['captured', parts], () => capturedListener(parts, this.#source)));
  }

  #isShort(service: ObjectKey): boolean {
    return splitObjectKey(service).namespace === this.#scope.namespace;
  }
}
