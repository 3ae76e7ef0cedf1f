/** Who a pod belongs to in the end: the Deployment of its ReplicaSet, the StatefulSet, itself. */
import { isFailure } from '../../kubernetes/api-client.ts';
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import { fieldsOf, listOf, textOf, type WorkloadKind } from '../../preview/workload.ts';
import type { Cluster } from './cluster.ts';
import { collectionPath, type KindPlace, WORKLOAD_PLACES } from './workload-kinds.ts';

export interface TopOwner {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** undefined: it is of a kind that is not read. */
  readonly object: ApiObject | undefined;
}

const PLACES: readonly (KindPlace & { readonly kind: WorkloadKind })[] = (
  ['Deployment', 'StatefulSet', 'ReplicaSet', 'Pod'] as const
).map((kind) => ({ ...WORKLOAD_PLACES[kind], kind }));

/** @param pod as a list has it. @returns undefined where one on the way cannot be read, or is gone */
export async function topOwner(cluster: Cluster, pod: ApiObject): Promise<TopOwner | undefined> {
  const namespace = textOf(fieldsOf(pod['metadata'])['namespace']);
  let [kind, object]: [string, ApiObject] = ['Pod', { ...pod, kind: 'Pod' }];
  // A pod's ReplicaSet has an owner too, mostly.
  for (let owner = controllerOf(object); owner !== undefined; owner = controllerOf(object)) {
    const { kind: above, name } = owner;
    const place = PLACES.find((each) => each.kind === above);
    if (place === undefined) return { kind: above, namespace, name, object: undefined };
    const found = await cluster.call('GET', `${collectionPath(place, namespace)}/${name}`, place);
    if (isFailure(found)) return undefined;
    [kind, object] = [above, found];
  }
  return { kind, namespace, name: textOf(fieldsOf(object['metadata'])['name']), object };
}

export function controllerOf(object: ApiObject): { readonly kind: string; readonly name: string } | undefined {
  const owners = listOf(fieldsOf(object['metadata'])['ownerReferences']).map(fieldsOf);
  const owner = owners.find((each) => each['controller'] === true);
  return owner && { kind: textOf(owner['kind']), name: textOf(owner['name']) };
}
