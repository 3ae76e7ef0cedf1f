/** What sidecars need to know of their pods: made when one asks, since most pods of a cluster have none that does. */
import type { PodModel, PodModels } from '../model/intercept.ts';
import type { ObjectKey } from '../model/names.ts';
import { keep } from '../model/same-data.ts';
import { buildPod } from './build-pod.ts';
import type { ClusterIndex } from './cluster-index.ts';
import { names } from './leaks.ts';
import type { Previews } from './previews.ts';
import type { Roles } from './roles.ts';

export interface PodSources {
  readonly index: ClusterIndex;
  readonly previews: Previews;
  readonly roles: Roles;
  /** Whether the pod was taken out of the Service's endpoints. */
  readonly isLeftOut: (service: ObjectKey, pod: ObjectKey) => boolean;
}

export class PodBook implements PodModels {
  readonly #sources: PodSources;
  /** Of those that were asked for: up to date after each {@link refresh}. */
  readonly #asked = new Map<ObjectKey, PodModel>();
  #touched = new Set<ObjectKey>();
  #isAsked = false;

  constructor(sources: PodSources) {
    this.#sources = sources;
  }

  /** Whether anybody has asked for a pod yet: until then there is nothing to touch. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  get(pod: ObjectKey): PodModel | undefined {
    this.#isAsked = true;
    const known = this.#asked.get(pod);
    if (known !== undefined) return known;
    const made = this.#build(pod);
    if (made !== undefined) this.#asked.set(pod, made);
    return made;
  }

  touch(pod: ObjectKey): void {
    if (this.#isAsked) this.#touched.add(pod);
  }

  touchAll(pods: Iterable<ObjectKey>): void {
    if (this.#isAsked) for (const pod of pods) this.#touched.add(pod);
  }

  /**
   * @returns pods whose model differs; also those that were touched and that nobody has asked for, whatever they were, but
   * none as long as nobody has asked for any.
   */
  refresh(): ReadonlySet<ObjectKey> {
    const changed = this.#touched;
    this.#touched = new Set();
    if (this.#asked.size === 0) return changed;
    for (const pod of changed) {
      const before = this.#asked.get(pod);
      if (before === undefined) continue;
      const after = this.#build(pod);
      if (after === undefined) this.#asked.delete(pod);
      else {
        const kept = keep(before, after);
        if (kept === before) changed.delete(pod);
        else this.#asked.set(pod, kept);
      }
    }
    return changed;
  }

  #build(key: ObjectKey): PodModel | undefined {
    const { index, previews, roles, isLeftOut } = this.#sources;
    const preview = previews.ofPod(key);
    const memberships = index.slicesWith(key).map((slice) => {
      const itself = previews.ofService(slice.service);
      return { slice, service: index.services.get(slice.service), roles: itself ? roles.of(itself.id) : [] };
    });
    const mistaken =
      preview === undefined
        ? []
        : [...index.servicesWith(key)].filter((service) => names(preview, service) && isLeftOut(service, key));
    return buildPod({
      pod: index.pods.get(key),
      roles: preview ? roles.of(preview.id) : [],
      memberships,
      inBaselineOf: mistaken,
    });
  }
}
