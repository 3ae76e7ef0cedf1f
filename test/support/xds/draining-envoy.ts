/**
 * What an Envoy does with clusters, listeners and routes on one aggregated stream, as far as its order matters: routes that
 * are gone it goes by all the same while a listener drains, and asks for them on every stream. It accepts everything.
 */
import type { Proxy } from '../../../src/model/proxy.ts';
import type { Member } from '../../../src/xds/audience.ts';
import { decodeDeltaRequest, decodeSotwRequest } from '../../../src/xds/codec.ts';
import type { EncodedResource } from '../../../src/xds/resource.ts';
import { type Protocol, Session } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import type { Views } from '../../../src/xds/views.ts';
import { encodeRequest } from './independent.ts';

/** In the order in which an Envoy asks again that has lost its stream. */
const ASKED = ['cluster', 'listener', 'route'] as const;
type Asked = (typeof ASKED)[number];

export class DrainingEnvoy {
  /** By type, what it has. */
  readonly has = { cluster: new Map<string, EncodedResource>(), listener: new Map(), route: new Map<string, EncodedResource>() };
  /** Routes that name a cluster which it had not, at any time. */
  readonly faults: string[] = [];
  readonly #protocol: Protocol;
  readonly #proxy: Proxy;
  readonly #routes: readonly string[];
  #views: Views | undefined;
  #member: Member | undefined;
  #session: Session | undefined;
  #streams = 0;

  /** @param routes that its listeners ask for, those that drain too */
  constructor(protocol: Protocol, proxy: Proxy, routes: readonly string[]) {
    this.#protocol = protocol;
    this.#proxy = proxy;
    this.#routes = routes;
  }

  /** The control plane is away, and then it is this one. @param most as of {@link settle} */
  connect(views: Views, most = Infinity): void {
    if (this.#member !== undefined) this.#views?.leave(this.#member);
    this.#views = views;
    this.#member = {
      ...{ proxy: this.#proxy, nodeId: 'envoy', envoy: 'envoy', wake: () => undefined },
      start: (view) => {
        const limits = { now: 0, gateMs: 15_000, maxBytes: 2_000_000 };
        this.#session = new Session({ id: `s${this.#streams++}`, protocol: this.#protocol, isAggregated: true, view, ...limits });
        return this.#session;
      },
    };
    views.join(this.#member);
    // An Envoy asks for all of it before it hears anything.
    for (const type of ASKED) this.#ask(type);
    this.settle(most);
  }

  /** Takes what there is to say. @param most so many responses */
  settle(most = Infinity): void {
    for (let taken = 0; taken < most; taken += 1) {
      const response = this.#session?.next(0);
      if (response === undefined) return;
      const type = ASKED.find((each) => each === response.type);
      if (type === undefined) throw new Error(`It did not ask for ${response.typeUrl}.`);
      // In this process they are what the view holds, not only their bytes.
      this.#take(type, response.resources as readonly EncodedResource[], response.removed);
      this.#say(type, { response_nonce: response.nonce }, response.version);
    }
  }

  /** Of the routes that it has by this name. */
  clustersOf(route: string): readonly string[] | undefined {
    return this.has.route.get(route)?.clusters;
  }

  #take(type: Asked, resources: readonly EncodedResource[], removed: readonly string[]): void {
    const has: Map<string, EncodedResource> = this.has[type];
    // W11: what a full state does not have is gone.
    if (this.#protocol === 'sotw' && type !== 'route') has.clear();
    for (const resource of resources) has.set(resource.name, resource);
    if (type !== 'route') for (const name of removed) has.delete(name);
    for (const [name, { clusters }] of this.has.route) {
      const missing = clusters.filter((cluster) => !this.has.cluster.has(cluster));
      if (missing.length > 0) this.faults.push(`${name} without ${missing.join(', ')}`);
    }
  }

  #ask(type: Asked): void {
    const initial = Object.fromEntries([...this.has[type].values()].map(({ name, version }) => [name, version]));
    const names = type === 'route' ? this.#routes : [];
    if (this.#protocol === 'sotw') this.#say(type, {});
    else this.#say(type, { resource_names_subscribe: names, initial_resource_versions: initial });
  }

  #say(type: Asked, request: object, version = ''): void {
    const { typeUrl } = factsOf(type);
    const common = { node: { id: 'envoy' }, type_url: typeUrl, ...request };
    if (this.#protocol === 'delta') {
      this.#session?.receiveDelta(decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', common)), 0);
      return;
    }
    const names = type === 'route' ? this.#routes : [];
    const sotw = { ...common, resource_names: names, version_info: version };
    this.#session?.receiveSotw(decodeSotwRequest(encodeRequest('DiscoveryRequest', sotw)), 0);
  }
}
