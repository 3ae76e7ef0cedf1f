/** Every public host: who claims it, and what became of that. Rebuilds only hosts that somebody touched. */
import type { HostClaim } from '../annotations/declarations.ts';
import type { HostModel } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import type { ObjectKey } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import { compareText } from '../model/order.ts';
import type { Problem } from '../model/problem.ts';
import { keep } from '../model/same-data.ts';
import type { TargetService } from './candidates.ts';
import type { ClusterIndex } from './cluster-index.ts';
import { buildHost, type Claimant, hostOfPreviewUrl } from './hosts.ts';

export interface HostChange {
  readonly host: string;
  readonly before: HostModel | undefined;
  readonly after: HostModel | undefined;
  readonly problems: readonly Problem[];
}

export class HostBook {
  readonly #index: ClusterIndex;
  readonly #models = new Map<string, HostModel>();
  readonly #claims = new Map<ObjectKey, readonly HostClaim[]>();
  readonly #claimants = new Multimap<string, ObjectKey>();
  /** By host, claimed hosts that would be preview URLs of it. */
  readonly #likeUrlsOf = new Multimap<string, string>();
  readonly #served = new Multimap<ObjectKey, string>();
  readonly #touched = new Set<string>();

  constructor(index: ClusterIndex) {
    this.#index = index;
  }

  get models(): ReadonlyMap<string, HostModel> {
    return this.#models;
  }

  /** The Service changed, or is gone and claims nothing. */
  serviceChanged(service: ObjectKey, claims: readonly HostClaim[]): void {
    for (const { host } of this.#claims.get(service) ?? []) {
      this.#claimants.delete(host, service);
      this.#touch(host);
    }
    if (claims.length === 0) this.#claims.delete(service);
    else this.#claims.set(service, claims);
    for (const { host } of claims) {
      this.#claimants.add(host, service);
      this.#touch(host);
    }
  }

  /** And those whose owner depends on who has this one. */
  #touch(host: string): void {
    this.#touched.add(host);
    for (const other of this.#likeUrlsOf.list(host)) this.#touched.add(other);
    const plain = hostOfPreviewUrl(host);
    if (plain === undefined) return;
    if (this.#claimants.get(host).size > 0) this.#likeUrlsOf.add(plain, host);
    else this.#likeUrlsOf.delete(plain, host);
  }

  /** Hosts that are served for the Service, by name. */
  servedFor(service: ObjectKey): TargetService['hosts'] {
    const hosts: TargetService['hosts'][number][] = [];
    const names = this.#served.list(service);
    for (const name of names.length < 2 ? names : names.toSorted(compareText)) {
      const model = this.#models.get(name);
      if (model !== undefined) hosts.push({ host: model.host, previewUrls: model.previewUrls });
    }
    return hosts;
  }

  /** Brings every touched host up to date: all of them are told, changed or not. */
  refresh(): readonly HostChange[] {
    const changes = [...this.#touched].map((host) => this.#refreshHost(host));
    this.#touched.clear();
    return changes;
  }

  #refreshHost(host: string): HostChange {
    const plain = hostOfPreviewUrl(host);
    const older = plain === undefined ? [] : this.#claimantsOf(plain);
    const { model, problems } = buildHost(host, this.#claimantsOf(host), older);
    const before = this.#models.get(host);
    const after = model && keep(before, model);
    if (after === undefined) this.#models.delete(host);
    else this.#models.set(host, after);
    for (const { service } of before?.paths ?? NO_ITEMS) this.#served.delete(service, host);
    for (const { service } of after?.paths ?? NO_ITEMS) this.#served.add(service, host);
    return { host, before, after, problems };
  }

  #claimantsOf(host: string): readonly Claimant[] {
    const claimants: Claimant[] = [];
    for (const key of this.#claimants.list(host)) {
      const service = this.#index.services.get(key);
      const claims = this.#claims.get(key) ?? [];
      if (service === undefined) continue;
      const prefixes: string[] = [];
      for (const { host: claimed, prefix } of claims) if (claimed === host && !prefixes.includes(prefix)) prefixes.push(prefix);
      claimants.push({ key, service, prefixes });
    }
    return claimants;
  }
}
