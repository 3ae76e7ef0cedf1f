import type { ClusterChange } from '../model/cluster-state.ts';
import type { ObjectKey } from '../model/names.ts';
import type { EventTarget } from './fact.ts';

/** Which workload owns each preview pod that is there now. */
export class PodOwners {
  readonly #owners = new Map<ObjectKey, EventTarget>();

  apply(changes: readonly ClusterChange[]): void {
    for (const change of changes) {
      if (change.kind !== 'pod') continue;
      const { key, object } = change;
      if (object === undefined) this.#owners.delete(key);
      else this.#owners.set(key, { ...object.controller, namespace: object.namespace });
    }
  }

  ownerOf(pod: ObjectKey): EventTarget | undefined {
    return this.#owners.get(pod);
  }
}
