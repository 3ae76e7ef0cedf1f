/** What one scope was last given, and what a change of the model makes of it. */

import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { sameData } from '../model/same-data.ts';
import type { ClusterUser } from './clusters.ts';
import { readClusterName } from './names.ts';
import { gone, type ModelView, type Plan, present } from './plan.ts';
import type { EnvoyResource, ResourceChange, ResourceType } from './resource.ts';
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

  update(model: InterceptModel, change: ModelChange | undefined, excluded: ReadonlySet<InterceptId>): readonly ResourceChange[] {
    const view: ModelView = {
      model,
      service: (key) => {
        const service = model.services.get(key);
        return service === undefined ? undefined : this.#shared.without(service, excluded);
      },
    };
    const planned = [...this.#plan.update(view, change)];
    const touched = new Set<string>();
    const changes = this.#replace(change === undefined ? [...planned, ...this.#leftOut(planned)] : planned, touched);
    for (const service of change?.services ?? []) {
      for (const name of this.#clustersOf.get(service)) touched.add(name);
      if (!model.services.has(service)) this.#shared.forget(service);
    }
    if (change === undefined) for (const name of this.#uses.keys()) touched.add(name);
    const clusters = [...touched].sort().flatMap((name) => this.#cluster(name, view));
    return [...this.#replace(clusters, new Set()), ...changes];
  }

  /** What was sent and is not in a full plan. Service clusters are not planned. */
  #leftOut(planned: readonly ResourceChange[]): readonly ResourceChange[] {
    const kept = new Set(planned.map((each) => idOf(each.type, each.name)));
    const sent = Object.values(this.#sent).flatMap((byName) => [...byName.values()]);
    return sent.flatMap(({ type, name }) => (kept.has(idOf(type, name)) || isOfService(type, name) ? [] : [gone(type, name)]));
  }

  /** @param touched clusters that something began or ceased to use are added. */
  #replace(changes: readonly ResourceChange[], touched: Set<string>): readonly ResourceChange[] {
    return changes.filter(({ type, name, resource }) => {
      const sent = this.#sent[type];
      const before = sent.get(name);
      if (before === resource || (before !== undefined && resource !== undefined && sameData(before, resource))) return false;
      if (resource === undefined) sent.delete(name);
      else sent.set(name, resource);
      for (const cluster of resource?.clusters ?? []) this.#use(cluster, 1, touched);
      for (const cluster of before?.clusters ?? []) this.#use(cluster, -1, touched);
      return true;
    });
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
    const pair = service === undefined ? undefined : this.#shared.pair(target, service, this.#user);
    return pair === undefined
      ? [gone('cluster', name), gone('endpoints', name)]
      : [present(pair.cluster), present(pair.endpoints)];
  }
}

function isOfService(type: ResourceType, name: string): boolean {
  return type === 'endpoints' || (type === 'cluster' && readClusterName(name) !== undefined);
}

function idOf(type: ResourceType, name: string): string {
  return `${type} ${name}`;
}
