/** Whether a workload's pods are as its newest template says, and what is the matter where they are not. */
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import { fieldsOf, listOf, textOf } from '../../preview/workload.ts';

export type Rollout =
  | { readonly kind: 'done' }
  /** `since`: how long the same has to last before there is no hope, in ms; undefined: there always is. */
  | { readonly kind: 'under way'; readonly what: string; readonly hopelessAfterMs: number | undefined; readonly hint: string };

/** The kubelet tries again and again, yet without a change these hardly ever end well. */
const HOPELESS_AFTER_MS: Readonly<Record<string, number>> = {
  ImagePullBackOff: 3_000,
  ErrImageNeverPull: 3_000,
  InvalidImageName: 3_000,
  ImageInspectError: 3_000,
  CreateContainerConfigError: 5_000,
  CreateContainerError: 5_000,
  RunContainerError: 15_000,
  // What it needs may be about to come.
  CrashLoopBackOff: 15_000,
};
const REFUSED_MS = 3_000;

/** @param pods those that the workload made; empty for a Pod, which is its own */
export function rolloutOf(object: ApiObject, pods: readonly ApiObject[]): Rollout {
  const status = fieldsOf(object['status']);
  const own = object['kind'] === 'Pod' ? [object] : newest(pods);
  if (isDone(object)) return { kind: 'done' };
  for (const pod of own) {
    const trouble = podTrouble(pod);
    if (trouble !== undefined) return trouble;
  }
  for (const each of listOf(status['conditions']).map(fieldsOf)) {
    const refused = each['type'] === 'ReplicaFailure' && each['status'] === 'True';
    const stuck = each['type'] === 'Progressing' && each['status'] === 'False';
    if (refused || stuck) return underWay(`${textOf(each['reason'])}: ${textOf(each['message'])}`, REFUSED_MS);
  }
  const wanted = count(fieldsOf(object['spec'])['replicas'], 1);
  const ready = own.filter(isReady).length;
  if (object['kind'] === 'Pod') return underWay('its pod is not ready', undefined);
  const rest = count(status['replicas'], 0) > wanted ? 'those of before are still there' : 'their controller has yet to say so';
  return underWay(`${ready} of ${wanted} pods are ready${ready < wanted ? '' : `; ${rest}`}`, undefined);
}

function isDone(object: ApiObject): boolean {
  const status = fieldsOf(object['status']);
  const wanted = count(fieldsOf(object['spec'])['replicas'], 1);
  if (object['kind'] === 'Pod') return isReady(object);
  if (count(status['observedGeneration'], 0) < count(fieldsOf(object['metadata'])['generation'], 0)) return false;
  if (object['kind'] === 'ReplicaSet') return count(status['readyReplicas'], 0) === wanted;
  if (object['kind'] === 'StatefulSet')
    return (
      count(status['readyReplicas'], 0) === wanted &&
      (wanted === 0 || count(status['updatedReplicas'], 0) === wanted) &&
      status['currentRevision'] === status['updateRevision']
    );
  return (
    count(status['updatedReplicas'], 0) === wanted &&
    count(status['availableReplicas'], 0) === wanted &&
    count(status['replicas'], 0) === wanted
  );
}

/** Those of the template of the youngest: the others go. */
function newest(pods: readonly ApiObject[]): readonly ApiObject[] {
  const living = pods.filter((pod) => fieldsOf(pod['metadata'])['deletionTimestamp'] === undefined);
  const [youngest] = living.toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : -1));
  return youngest === undefined ? [] : living.filter((pod) => templateOf(pod) === templateOf(youngest));
}

function createdAt(pod: ApiObject): string {
  return textOf(fieldsOf(pod['metadata'])['creationTimestamp']);
}

function templateOf(pod: ApiObject): unknown {
  const labels = fieldsOf(fieldsOf(pod['metadata'])['labels']);
  return labels['pod-template-hash'] ?? labels['controller-revision-hash'] ?? '';
}

export function isReady(pod: ApiObject): boolean {
  if (fieldsOf(pod['metadata'])['deletionTimestamp'] !== undefined) return false;
  const conditions = listOf(fieldsOf(pod['status'])['conditions']).map(fieldsOf);
  return conditions.some((each) => each['type'] === 'Ready' && each['status'] === 'True');
}

/** Every IP of a pod: one of them is its endpoint. */
export function ipsOf(pod: ApiObject): readonly string[] {
  const status = fieldsOf(pod['status']);
  return [status['podIP'], ...listOf(status['podIPs']).map((each) => fieldsOf(each)['ip'])].filter(
    (ip) => typeof ip === 'string',
  );
}

function podTrouble(pod: ApiObject): Rollout | undefined {
  const { name, namespace } = fieldsOf(pod['metadata']);
  const status = fieldsOf(pod['status']);
  const containers = [...listOf(status['initContainerStatuses']), ...listOf(status['containerStatuses'])].map(fieldsOf);
  for (const container of containers) {
    const waiting = fieldsOf(fieldsOf(container['state'])['waiting']);
    const reason = textOf(waiting['reason']);
    const hopelessAfterMs = Object.hasOwn(HOPELESS_AFTER_MS, reason) ? HOPELESS_AFTER_MS[reason] : undefined;
    if (hopelessAfterMs === undefined && reason !== 'ErrImagePull') continue;
    const message = textOf(waiting['message']);
    const what = `pod ${textOf(name)}, container ${textOf(container['name'])}: ${reason}${message === '' ? '' : `: ${message}`}`;
    const hint =
      reason === 'CrashLoopBackOff'
        ? `\`kubectl -n ${textOf(namespace)} logs ${textOf(name)} -c ${textOf(container['name'])} --previous\` says why`
        : `\`kubectl -n ${textOf(namespace)} describe pod ${textOf(name)}\` says more`;
    return { kind: 'under way', what, hopelessAfterMs, hint };
  }
  for (const each of listOf(status['conditions']).map(fieldsOf))
    if (each['type'] === 'PodScheduled' && each['status'] === 'False')
      return underWay(`pod ${textOf(name)}: ${textOf(each['reason'])}: ${textOf(each['message'])}`, undefined);
  if (status['phase'] === 'Failed')
    return underWay(
      `pod ${textOf(name)} has failed: ${textOf(status['reason'])} ${textOf(status['message'])}`.trim(),
      REFUSED_MS,
    );
  return undefined;
}

function underWay(what: string, hopelessAfterMs: number | undefined): Rollout {
  return { kind: 'under way', what, hopelessAfterMs, hint: '' };
}

function count(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}
