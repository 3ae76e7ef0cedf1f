/** Asks all replicas again and again until none of them knows workloads that were deleted. */
import { isTrouble } from '../trouble.ts';
import type { ControlPlaneClient } from './client.ts';

export interface GoneOptions {
  readonly client: ControlPlaneClient;
  readonly key: string;
  /** `namespace/Kind/name`. */
  readonly workloads: ReadonlySet<string>;
  /** ms since the epoch. */
  readonly deadline: number;
  readonly onProgress: (lacks: readonly string[]) => void;
}

export type Gone =
  | { readonly kind: 'gone' }
  /** `unknown`: the control plane cannot be asked, from the beginning. */
  | { readonly kind: 'late' | 'unknown'; readonly what: string };

const POLL_MS = 500;

export async function waitUntilGone({ client, key, workloads, deadline, onProgress }: GoneOptions): Promise<Gone> {
  let told = '';
  for (let isFirst = true; ; isFirst = false) {
    const overview = await client.overview({ key, namespace: undefined });
    if (isTrouble(overview) && isFirst) return { kind: 'unknown', what: overview.trouble };
    const lacks = isTrouble(overview)
      ? [overview.trouble]
      : [
          ...overview.troubles.map(({ trouble }) => trouble),
          ...overview.previews
            .filter(({ namespace, workload }) => workloads.has(`${namespace}/${workload}`))
            .map(({ namespace, workload, pods }) => `${workload} of namespace ${namespace} to be forgotten (${podsText(pods)})`),
        ];
    if (lacks.length === 0) return { kind: 'gone' };
    if (told !== lacks.join('\n')) onProgress(lacks);
    told = lacks.join('\n');
    const now = Date.now();
    if (now >= deadline) return { kind: 'late', what: lacks.join('; ') };
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, deadline - now)));
  }
}

function podsText(pods: number): string {
  return pods === 0 ? 'without pods now' : `${pods} ${pods === 1 ? 'pod' : 'pods'}`;
}
