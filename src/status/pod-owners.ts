import type { ClusterChange } from '../model/cluster-state.ts';
import type { ObjectKey } from '../model/names.ts';
import { type EventTarget, targetName } from './fact.ts';

interface Owned {
  readonly owner: EventTarget;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** Which workload owns each preview pod that is there now. */
export class PodOwners {
  readonly #pods = new Map<ObjectKey, Owned>();
  /** By the name of the owner. */
  readonly #byOwner = new Map<string, Set<Owned>>();

  apply(changes: readonly ClusterChange[]): void {
    for (const change of changes) {
      if (change.kind !== 'pod') continue;
      const { key, object } = change;
      this.#remove(key);
      if (object === undefined) continue;
      const owner = { ...object.controller, namespace: object.namespace };
      const owned = { owner, createdAt: object.createdAt };
      this.#pods.set(key, owned);
      const all = this.#byOwner.get(targetName(owner)) ?? new Set();
      this.#byOwner.set(targetName(owner), all.add(owned));
    }
  }

  ownerOf(pod: ObjectKey): EventTarget | undefined {
    return this.#pods.get(pod)?.owner;
  }

  /** When the oldest of its pods was made, in ms since the epoch; undefined: it has none. */
  madeAt(owner: EventTarget): number | undefined {
    let oldest: number | undefined;
    for (const { createdAt } of this.#byOwner.get(targetName(owner)) ?? []) oldest = Math.min(oldest ?? createdAt, createdAt);
    return oldest;
  }

  #remove(pod: ObjectKey): void {
    const owned = this.#pods.get(pod);
    if (owned === undefined) return;
    this.#pods.delete(pod);
    const name = targetName(owned.owner);
    const all = this.#byOwner.get(name);
    all?.delete(owned);
    if (all?.size === 0) this.#byOwner.delete(name);
  }
}
