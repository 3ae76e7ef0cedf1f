/** A preview as `/api/previews` shows it. */
import type { Preview } from '../intercepts/previews.ts';
import type { PreviewName } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';

export interface PreviewReport extends PreviewName {
  /** Without those that leave; of a preview outside the cluster, its endpoints. */
  readonly pods: number;
  readonly ready: number;
  readonly expired: boolean;
  /** Of its annotations; what is wrong with one of its intercepts is told there. */
  readonly problems: readonly Problem[];
}

export function previewReport({ name, backends, expired, problems }: Preview): PreviewReport {
  const members = backends.kind === 'pods' ? backends.pods : backends.slices.flatMap(({ endpoints }) => endpoints);
  return { ...name, pods: members.length, ready: members.filter(({ ready }) => ready).length, expired, problems };
}
