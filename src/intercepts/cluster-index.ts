/** The objects of the cluster as they are now, and who of them has to do with whom. */
import type { ClusterChange, ClusterState, EndpointSlice, Pod, Service } from '../model/cluster-state.ts';
import { Multimap } from '../model/multimap.ts';
import type { ObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';

export class ClusterIndex implements ClusterState {
  readonly #services = new Map<ObjectKey, Service>();
  readonly #slices = new Map<ObjectKey, EndpointSlice>();
  readonly #pods = new Map<ObjectKey, Pod>();
  readonly #slicesOfService = new Multimap<ObjectKey, ObjectKey>();
  readonly #slicesOfPod = new Multimap<ObjectKey, ObjectKey>();

  get services(): ReadonlyMap<ObjectKey, Service> {
    return this.#services;
  }

  get slices(): ReadonlyMap<ObjectKey, EndpointSlice> {
    return this.#slices;
  }

  get pods(): ReadonlyMap<ObjectKey, Pod> {
    return this.#pods;
  }

  apply(change: ClusterChange): void {
    if (change.kind === 'service') put(this.#services, change.key, change.object);
    else if (change.kind === 'pod') put(this.#pods, change.key, change.object);
    else this.#putSlice(change.key, change.object);
  }

  /** By name, so that what is made of them does not depend on the order of arrival. */
  slicesOf(service: ObjectKey): readonly EndpointSlice[] {
    return this.#slicesNamed(this.#slicesOfService.list(service));
  }

  /** Slices that have the pod as an endpoint, by name. */
  slicesWith(pod: ObjectKey): readonly EndpointSlice[] {
    return this.#slicesNamed(this.#slicesOfPod.list(pod));
  }

  /** Services that have the pod as an endpoint. */
  servicesWith(pod: ObjectKey): ReadonlySet<ObjectKey> {
    return new Set(this.slicesWith(pod).map((slice) => slice.service));
  }

  #slicesNamed(keys: readonly ObjectKey[]): readonly EndpointSlice[] {
    const slices: EndpointSlice[] = [];
    for (const key of keys.length < 2 ? keys : keys.toSorted(compareText)) {
      const slice = this.#slices.get(key);
      if (slice !== undefined) slices.push(slice);
    }
    return slices;
  }

  #putSlice(key: ObjectKey, slice: EndpointSlice | undefined): void {
    const before = this.#slices.get(key);
    if (before !== undefined) {
      this.#slicesOfService.delete(before.service, key);
      for (const { pod } of before.endpoints) if (pod !== undefined) this.#slicesOfPod.delete(pod, key);
    }
    put(this.#slices, key, slice);
    if (slice !== undefined) {
      this.#slicesOfService.add(slice.service, key);
      for (const { pod } of slice.endpoints) if (pod !== undefined) this.#slicesOfPod.add(pod, key);
    }
  }
}

/** The pods that a slice's endpoints refer to. */
export function podsOf(slice: EndpointSlice | undefined): ReadonlySet<ObjectKey> {
  const pods = new Set<ObjectKey>();
  for (const { pod } of slice?.endpoints ?? []) if (pod !== undefined) pods.add(pod);
  return pods;
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
