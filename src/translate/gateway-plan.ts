/** A gateway's resources: a listener, the live keys, and shards of hosts, of which a change touches few. */

import type { HostModel, ModelChange } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import type { ObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { Scope } from '../model/proxy.ts';
import { gatewayListeners } from './gateway-listeners.ts';
import { addressPart, keysConfiguration, looksLikePreviewHost, previewAddresses, scopedRoute } from './gateway-routes.ts';
import type { LuaSource } from './lua-source.ts';
import { gone, type ModelView, type Plan, present } from './plan.ts';
import type { ResourceChange } from './resource.ts';
import { KEYS, shardName, shardOf } from './shards.ts';
import type { SharedResources } from './shared-resources.ts';
import { sortedUnique } from './sorted-unique.ts';
import type { VirtualHostPart } from './virtual-host.ts';

export class GatewayPlan implements Plan {
  readonly #scope: Extract<Scope, { kind: 'gateway' }>;
  readonly #source: LuaSource;
  readonly #shared: SharedResources;
  /** Hosts that scopes share are the same for those of one flavour. */
  readonly #flavour: string;
  /** Declared hosts and addresses of previews, by shard. */
  #names = new Multimap<number, string>();
  #declared = new Map<string, HostModel>();
  #hostsOf = new Multimap<ObjectKey, string>();
  /** Host to key. */
  #addressesOf = new Map<ObjectKey, ReadonlyMap<string, string>>();
  /** Two Services can come to the same address: `a--b` here, and `a` in the namespace `b`. */
  #claims = new Multimap<string, ObjectKey>();

  constructor(scope: Extract<Scope, { kind: 'gateway' }>, source: LuaSource, shared: SharedResources) {
    this.#scope = scope;
    this.#source = source;
    this.#shared = shared;
    this.#flavour = scope.previewDomain === undefined ? 'gateway' : `gateway ${scope.previewDomain} ${scope.namespace}`;
  }

  *update(view: ModelView, change: ModelChange | undefined): Iterable<ResourceChange> {
    if (change === undefined) {
      this.#reset();
      for (const each of gatewayListeners(this.#scope, this.#source)) yield present(each);
      yield present(this.#shared.keep(`scope ${KEYS}`, scopedRoute(KEYS, KEYS)));
    }
    const dirty = new Set<number>();
    let keysChanged = change === undefined || change.keys.size > 0;
    for (const host of change?.hosts ?? view.model.hosts.keys()) {
      this.#placeHost(host, view.model.hosts.get(host), dirty);
      keysChanged ||= looksLikePreviewHost(host);
    }
    // Who starts afresh has all hosts already.
    for (const service of change?.services ?? []) for (const host of this.#hostsOf.list(service)) dirty.add(shardOf(host));
    if (this.#scope.previewDomain !== undefined) {
      for (const service of change?.services ?? view.model.services.keys()) this.#placeAddresses(service, view, dirty);
    }
    if (keysChanged) {
      const hosts = [...this.#declared.keys()].filter(looksLikePreviewHost);
      yield present(this.#shared.keep(KEYS, keysConfiguration(view.model.keys, hosts)));
    }
    for (const shard of [...dirty].sort((a, b) => a - b)) yield* this.#shard(shard, view);
  }

  #reset(): void {
    this.#names = new Multimap();
    this.#declared = new Map();
    this.#hostsOf = new Multimap();
    this.#addressesOf = new Map();
    this.#claims = new Multimap();
  }

  #placeHost(host: string, model: HostModel | undefined, dirty: Set<number>): void {
    const shard = shardOf(host);
    dirty.add(shard);
    for (const path of this.#declared.get(host)?.paths ?? []) this.#hostsOf.delete(path.service, host);
    if (model === undefined) {
      this.#declared.delete(host);
      if (this.#claims.get(host).size === 0) this.#names.delete(shard, host);
      return;
    }
    this.#declared.set(host, model);
    this.#names.add(shard, host);
    for (const path of model.paths) this.#hostsOf.add(path.service, host);
  }

  #placeAddresses(key: ObjectKey, view: ModelView, dirty: Set<number>): void {
    const { previewDomain, namespace } = this.#scope;
    if (previewDomain === undefined) return;
    const service = view.service(key);
    const before = this.#addressesOf.get(key);
    const after = service === undefined ? undefined : previewAddresses(service, previewDomain, namespace);
    for (const host of before?.keys() ?? []) {
      this.#claims.delete(host, key);
      if (this.#claims.get(host).size === 0 && !this.#declared.has(host)) this.#names.delete(shardOf(host), host);
      dirty.add(shardOf(host));
    }
    for (const host of after?.keys() ?? []) {
      this.#claims.add(host, key);
      this.#names.add(shardOf(host), host);
      dirty.add(shardOf(host));
    }
    if (after === undefined || after.size === 0) this.#addressesOf.delete(key);
    else this.#addressesOf.set(key, after);
  }

  *#shard(shard: number, view: ModelView): Iterable<ResourceChange> {
    const name = shardName(shard);
    const hosts = sortedUnique(this.#names.get(shard));
    const id = `${this.#flavour} ${name}`;
    if (hosts.length === 0) {
      this.#shared.drop(id);
      yield gone('scopedRoute', name);
      yield gone('route', name);
      return;
    }
    const parts = hosts.flatMap((host) => this.#part(host, view) ?? []);
    yield present(this.#shared.routes(id, name, parts));
    yield present(this.#shared.keep(`scope ${name}`, scopedRoute(name, String(shard))));
  }

  /**
   * Of addresses, the own namespace's comes first. A host that somebody declared comes before an address only of its own
   * namespace: nobody may take the addresses of others' previews.
   */
  #part(host: string, view: ModelView): VirtualHostPart | undefined {
    const declared = this.#declared.get(host);
    const claims = [...this.#claims.get(host)].sort(compareText);
    const own = claims.find((service) => service.startsWith(`${this.#scope.namespace}/`));
    const winner = own ?? claims[0];
    const isForeign = winner !== undefined && declared !== undefined && !winner.startsWith(`${declared.namespace}/`);
    if (declared !== undefined && !isForeign) return this.#shared.host(declared, view.service);
    const service = winner === undefined ? undefined : view.service(winner);
    const key = winner === undefined ? undefined : this.#addressesOf.get(winner)?.get(host);
    if (service === undefined || key === undefined) return undefined;
    return addressPart(host, service, key, this.#source.carriers.header);
  }
}
