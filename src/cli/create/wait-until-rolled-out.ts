/** Looks at a workload and its pods until all of them are ready, or there is no hope. */
import { isFailure } from '../../kubernetes/api-client.ts';
import type { Manifest } from '../../preview/copy-workload.ts';
import { fieldsOf } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { collectionPath, WORKLOAD_PLACES } from '../cluster/workload-kinds.ts';
import type { PodAddresses } from '../control-plane/judge.ts';
import { type Trouble, troubleOf } from '../trouble.ts';
import { objectPath } from './apply.ts';
import { ipsOf, isReady, rolloutOf } from './rollout.ts';

export interface RolloutOptions {
  readonly cluster: Cluster;
  readonly manifest: Manifest;
  /** ms since the epoch. */
  readonly deadline: number;
  readonly onProgress: (what: string) => void;
}

export type RolledOut =
  | { readonly kind: 'done'; readonly pods: PodAddresses }
  | { readonly kind: 'hopeless'; readonly what: string; readonly hint: string }
  | { readonly kind: 'late'; readonly what: string }
  | Trouble;

const POLL_MS = 400;

export async function waitUntilRolledOut({ cluster, manifest, deadline, onProgress }: RolloutOptions): Promise<RolledOut> {
  const { resource } = WORKLOAD_PLACES[manifest.kind];
  const { name, namespace } = manifest.metadata;
  const label = `${manifest.kind} ${namespace}/${name}`;
  const podsPath = collectionPath(WORKLOAD_PLACES.Pod, namespace);
  const labelSelector = Object.entries(ownLabels(manifest))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');
  let told = '';
  let since = Date.now();
  for (;;) {
    // The workload first: pods that are listed after it was done are those that it has then.
    const object = await cluster.call('GET', objectPath(manifest), { resource });
    if (isFailure(object)) return troubleOf(object, `cannot read ${label}`);
    const pods =
      manifest.kind === 'Pod' ? [object] : await cluster.list(podsPath, { resource: 'pods', query: { labelSelector } });
    if (isFailure(pods)) return troubleOf(pods, `cannot list the pods of ${label}`);
    const rollout = rolloutOf(object, manifest.kind === 'Pod' ? [] : pods);
    if (rollout.kind === 'done') return { kind: 'done', pods: pods.filter(isReady).map(ipsOf) };
    const { what, hopelessAfterMs, hint } = rollout;
    const now = Date.now();
    if (what !== told) {
      onProgress(what);
      [told, since] = [what, now];
    }
    if (hopelessAfterMs !== undefined && now - since >= hopelessAfterMs) return { kind: 'hopeless', what, hint };
    if (now >= deadline) return { kind: 'late', what };
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, Math.max(0, deadline - now))));
  }
}

/** What the copy selects its pods by. */
function ownLabels({ spec }: Manifest): Readonly<Record<string, unknown>> {
  return fieldsOf(fieldsOf(spec['selector'])['matchLabels']);
}
