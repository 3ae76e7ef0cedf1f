/** A preview as `/api/previews` shows it. */
import type { Preview } from '../intercepts/previews.ts';
import type { PreviewName } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';

export interface PreviewReport extends PreviewName {
  /** Without those that leave; of a preview outside the cluster, its endpoints. */
  readonly pods: number;
  readonly ready: number;
  /** RFC 3339: of the oldest of them that says. */
  readonly createdAt: string | undefined;
  readonly expired: boolean;
  /** Of its annotations; what is wrong with one of its intercepts is told there. */
  readonly problems: readonly Problem[];
}

export function previewReport({ name, backends, expired, problems }: Preview): PreviewReport {
  const members = backends.kind === 'pods' ? backends.pods : backends.slices.flatMap(({ endpoints }) => endpoints);
  const births = backends.kind === 'pods' ? backends.pods.map((pod) => pod.createdAt) : [backends.service.createdAt];
  const known = births.filter((each) => each > 0);
  const born = known.length === 0 ? undefined : new Date(Math.min(...known)).toISOString();
  const ready = members.filter((each) => each.ready).length;
  return { ...name, pods: members.length, ready, createdAt: born, expired, problems };
}
