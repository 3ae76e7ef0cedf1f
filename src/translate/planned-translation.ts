/** What one scope was last given, and what a change of the model makes of it. */

import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import { sameData } from '../model/same-data.ts';
import type { ClusterUser } from './clusters.ts';
import { readClusterName } from './names.ts';
import { gone, type ModelView, type Plan, present } from './plan.ts';
import { type EnvoyResource, RemadeResource, type ResourceChange, type ResourceType } from './resource.ts';
import type { SharedResources } from './shared-resources.ts';

/** A plan's resources, and the clusters that these name: no others are sent. */
export class PlannedTranslation {
  readonly #plan: Plan;
  readonly #user: ClusterUser;
  readonly #shared: SharedResources;
  /** By type, then by name. */
  readonly #sent: Readonly<Record<ResourceType, Map<string, EnvoyResource>>> = {
    cluster: new Map(),
    endpoints: new Map(),
    listener: new Map(),
    scopedRoute: new Map(),
    route: new Map(),
  };
  /** How many resources send requests to a cluster. */
  readonly #uses = new Map<string, number>();
  /** Names of clusters in use. */
  readonly #clustersOf = new Multimap<ObjectKey, string>();

  constructor(plan: Plan, user: ClusterUser, shared: SharedResources) {
    this.#plan = plan;
    this.#user = user;
    this.#shared = shared;
  }

  update(
    model: InterceptModel,
    change: ModelChange | undefined,
    excluded: ReadonlySet<InterceptId>,
    onMade?: (resource: EnvoyResource) => void,
  ): readonly ResourceChange[] {
    const view: ModelView = {
      model,
      isWhole: excluded.size === 0,
      service: (key) => {
        const service = model.services.get(key);
        return service === undefined ? undefined : this.#shared.without(service, excluded);
      },
    };
    const planned: ResourceChange[] = [];
    const touched = new Set<string>();
    const changes: ResourceChange[] = [];
    for (const each of this.#plan.update(view, change)) {
      planned.push(each);
      if (!this.#replace(each, touched)) continue;
      changes.push(each);
      if (each.resource !== undefined) onMade?.(each.resource);
    }
    if (change === undefined) for (const each of this.#leftOut(planned)) if (this.#replace(each, touched)) changes.push(each);
    for (const service of change?.services ?? []) {
      for (const name of this.#clustersOf.get(service)) touched.add(name);
      const now = model.services.get(service);
      if (now === undefined) this.#shared.forget(service);
      else this.#shared.prune(now);
    }
    if (change === undefined) for (const name of this.#uses.keys()) touched.add(name);
    const clusters: ResourceChange[] = [];
    const none = new Set<string>();
    for (const name of [...touched].sort()) {
      for (const each of this.#cluster(name, view)) if (this.#replace(each, none)) clusters.push(each);
    }
    return [...clusters, ...changes];
  }

  /** See {@link ScopeTranslation}. */
  concerns(model: InterceptModel, change: ModelChange): boolean {
    if (this.#plan.concerns?.(model, change) !== false) return true;
    for (const service of change.services) if (this.#clustersOf.has(service)) return true;
    return false;
  }

  get leftover(): ((name: string) => EnvoyResource | undefined) | undefined {
    return this.#plan.leftover;
  }

  /** What was sent and is not in a full plan. Service clusters are not planned. */
  #leftOut(planned: readonly ResourceChange[]): readonly ResourceChange[] {
    const kept = new Set(planned.map((each) => idOf(each.type, each.name)));
    const sent = Object.values(this.#sent).flatMap((byName) => [...byName.values()]);
    return sent.flatMap(({ type, name }) => (kept.has(idOf(type, name)) || isOfService(type, name) ? [] : [gone(type, name)]));
  }

  /**
   * @param touched clusters that something began or ceased to use are added.
   * @returns whether it is another one than before.
   */
  #replace({ type, name, resource }: ResourceChange, touched: Set<string>): boolean {
    const sent = this.#sent[type];
    const before = sent.get(name);
    if (before === resource || isSameAgain(before, resource)) return false;
    if (resource === undefined) sent.delete(name);
    else sent.set(name, resource);
    for (const cluster of resource?.clusters ?? NO_ITEMS) this.#use(cluster, 1, touched);
    for (const cluster of before?.clusters ?? NO_ITEMS) this.#use(cluster, -1, touched);
    return true;
  }

  #use(cluster: string, by: number, touched: Set<string>): void {
    const before = this.#uses.get(cluster) ?? 0;
    const after = before + by;
    if (after === 0) this.#uses.delete(cluster);
    else this.#uses.set(cluster, after);
    if (before !== 0 && after !== 0) return;
    touched.add(cluster);
    const target = readClusterName(cluster);
    if (target === undefined) return;
    if (after === 0) this.#clustersOf.delete(target.service, cluster);
    else this.#clustersOf.add(target.service, cluster);
  }

  #cluster(name: string, view: ModelView): readonly ResourceChange[] {
    const target = readClusterName(name);
    // Not a Service's: it is planned.
    if (target === undefined) return [];
    const service = this.#uses.has(name) ? view.service(target.service) : undefined;
    const pair = service === undefined ? undefined : this.#shared.pair(name, target, service, this.#user);
    return pair === undefined
      ? [gone('cluster', name), gone('endpoints', name)]
      : [present(pair.cluster), present(pair.endpoints)];
  }
}

/** Of those that are made again who shares them has seen to it. */
function isSameAgain(before: EnvoyResource | undefined, resource: EnvoyResource | undefined): boolean {
  if (before instanceof RemadeResource || resource instanceof RemadeResource) return false;
  return before !== undefined && resource !== undefined && sameData(before, resource);
}

function isOfService(type: ResourceType, name: string): boolean {
  return type === 'endpoints' || (type === 'cluster' && readClusterName(name) !== undefined);
}

function idOf(type: ResourceType, name: string): string {
  return `${type} ${name}`;
}
