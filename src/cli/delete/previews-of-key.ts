/** The previews of a key that are in the cluster: those that `detour create` made, and how to remove the others. */
import { PREVIEW_LABEL } from '../../annotations/keys.ts';
import { isFailure } from '../../kubernetes/api-client.ts';
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import { MANAGED_BY_LABEL, MANAGER } from '../../preview/copy-labels.ts';
import { fieldsOf, textOf, type WorkloadKind } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { controllerOf, topOwner } from '../cluster/top-owner.ts';
import { collectionPath, WORKLOAD_PLACES } from '../cluster/workload-kinds.ts';
import { isTrouble, type Trouble, troubleOf } from '../trouble.ts';

export interface Made {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

const KINDS: readonly WorkloadKind[] = ['Deployment', 'StatefulSet', 'ReplicaSet', 'Pod'];

/**
 * @param namespace undefined: all
 * @returns trouble where Deployments cannot be listed; other kinds are rare, and left out where one may not list them
 */
export async function previewsMadeFor(
  cluster: Cluster,
  key: string,
  namespace: string | undefined,
): Promise<readonly Made[] | Trouble> {
  const labelSelector = `${MANAGED_BY_LABEL}=${MANAGER},${PREVIEW_LABEL}=${key}`;
  const found = await Promise.all(
    KINDS.map(async (kind): Promise<readonly Made[] | Trouble> => {
      const place = WORKLOAD_PLACES[kind];
      const objects = await cluster.list(collectionPath(place, namespace), { ...place, query: { labelSelector } });
      if (!isFailure(objects)) return objects.flatMap((object) => madeOf(kind, object) ?? []);
      return objects.status === 403 && kind !== 'Deployment' ? [] : troubleOf(objects, `cannot list ${place.resource}`);
    }),
  );
  const trouble = found.find((each) => isTrouble(each));
  return trouble ?? found.flatMap((each) => (isTrouble(each) ? [] : each));
}

/** undefined: another object makes it, or it is going already. */
function madeOf(kind: WorkloadKind, object: ApiObject): Made | undefined {
  const metadata = fieldsOf(object['metadata']);
  if (controllerOf(object) !== undefined || metadata['deletionTimestamp'] !== undefined) return undefined;
  const [namespace, name] = [textOf(metadata['namespace']), textOf(metadata['name'])];
  return { kind, namespace, name, uid: textOf(metadata['uid']), resourceVersion: textOf(metadata['resourceVersion']) };
}

/** Of previews that somebody applied: the kubectl commands that delete them. None where pods may not be listed. */
export async function handMadePreviews(cluster: Cluster, key: string, namespace: string | undefined): Promise<readonly string[]> {
  const query = { labelSelector: `${PREVIEW_LABEL}=${key}` };
  const pods = await cluster.list(collectionPath(WORKLOAD_PLACES.Pod, namespace), { resource: 'pods', query });
  if (isFailure(pods)) return [];
  const commands = await Promise.all(pods.map((pod) => commandFor(cluster, pod)));
  return [...new Set(commands.filter((command) => command !== undefined))].sort();
}

/** undefined: it is of ours, it goes already, or what makes it cannot be read. */
async function commandFor(cluster: Cluster, pod: ApiObject): Promise<string | undefined> {
  const owner = await topOwner(cluster, pod);
  if (owner === undefined) return undefined;
  const metadata = fieldsOf(owner.object?.['metadata']);
  const isOurs = fieldsOf(metadata['labels'])[MANAGED_BY_LABEL] === MANAGER;
  if (isOurs || metadata['deletionTimestamp'] !== undefined) return undefined;
  return `kubectl -n ${owner.namespace} delete ${owner.kind.toLowerCase()} ${owner.name}`;
}
