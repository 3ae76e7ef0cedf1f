/** From which change on all clusters are there that a resource names: worked out once for all streams of a view. */
import type { Entry } from './entry.ts';
import type { EncodedResource } from './resource.ts';

/** By numbers of changes of the clusters. */
export interface Reach {
  /** Whoever has all up to this one has all that it names; Infinity: that cannot be said. */
  readonly complete: number;
  /** Whoever has not come to this one lacks one of them. */
  readonly begun: number;
}

export class Reaches {
  readonly #entry: (name: string) => Entry | undefined;
  /** undefined: nothing is, as in most views most of the time. */
  #known: Map<EncodedResource, Reach> | undefined;

  /** @param entry a cluster by its name */
  constructor(entry: (name: string) => Entry | undefined) {
    this.#entry = entry;
  }

  /** The clusters are others now. */
  clear(): void {
    this.#known = undefined;
  }

  of(resource: EncodedResource): Reach {
    const known = this.#known?.get(resource);
    if (known !== undefined) return known;
    let complete = 0;
    let begun = 0;
    for (const name of resource.clusters) {
      const entry = this.#entry(name);
      // One that never was is no reason to wait.
      if (entry === undefined) continue;
      complete = Math.max(complete, entry.current === undefined ? Infinity : entry.seq);
      if (entry.current !== undefined) begun = Math.max(begun, entry.firstSeq);
    }
    const reach = { complete, begun };
    this.#known ??= new Map();
    this.#known.set(resource, reach);
    return reach;
  }
}
