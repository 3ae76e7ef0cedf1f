/** Preview pods among the endpoints of a baseline (design, section 2, "Leak safety"). */
import type { EndpointSlice } from '../model/cluster-state.ts';
import type { ObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import { type ClusterIndex, podsOf } from './cluster-index.ts';
import type { Preview, Previews } from './previews.ts';

/** A pod that must get no requests meant for the baseline. */
export interface Leak {
  readonly pod: ObjectKey;
  /** undefined: its preview is gone, the pod is on its way. */
  readonly preview: Preview | undefined;
  /** Has a deletionTimestamp, or has ended. */
  readonly leaving: boolean;
}

/**
 * Pods of previews that name the Service, whatever became of their intercepts: that one expired is no reason to send
 * everybody to the copy. Also those whose annotations cannot be read, or whose preview is gone and they are about to
 * follow: they may have named it a moment ago. A preview pod that stands in for other Services is an endpoint of this one by right.
 */
export function leaksOf(
  service: ObjectKey,
  slices: readonly EndpointSlice[],
  index: ClusterIndex,
  previews: Previews,
): readonly Leak[] {
  const pods = new Set(slices.flatMap((slice) => [...podsOf(slice)]));
  return [...pods].sort(compareText).flatMap((pod): Leak[] => {
    const object = index.pods.get(pod);
    if (object === undefined) return [];
    const preview = previews.ofPod(pod);
    const leaked = preview?.declaration === undefined || names(preview, service);
    return leaked ? [{ pod, preview, leaving: object.leaving }] : [];
  });
}

/** Whether the preview says that it stands in for the Service. */
export function names(preview: Preview | undefined, service: ObjectKey): boolean {
  return preview?.declaration?.targets.some((target) => target.service === service) ?? false;
}
