/** Preview pods among the endpoints of a baseline (design, section 2, "Leak safety"). */
import type { EndpointSlice, Pod } from '../model/cluster-state.ts';
import type { ObjectKey } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import { compareText } from '../model/order.ts';
import type { ClusterIndex } from './cluster-index.ts';
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
  let found: Map<ObjectKey, Pod> | undefined;
  for (const slice of slices) {
    for (const { pod } of slice.endpoints) {
      const object = pod === undefined ? undefined : index.pods.get(pod);
      if (pod === undefined || object === undefined) continue;
      found ??= new Map();
      found.set(pod, object);
    }
  }
  if (found === undefined) return NO_ITEMS;
  const inOrder = [...found].sort(([a], [b]) => compareText(a, b));
  return inOrder.flatMap(([pod, object]): Leak[] => {
    const preview = previews.ofPod(pod);
    const leaked = preview?.declaration === undefined || names(preview, service);
    return leaked ? [{ pod, preview, leaving: object.leaving }] : [];
  });
}

/** Whether the preview says that it stands in for the Service. */
export function names(preview: Preview | undefined, service: ObjectKey): boolean {
  return preview?.declaration?.targets.some((target) => target.service === service) ?? false;
}
