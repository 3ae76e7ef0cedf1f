/** The labels of a copy: its own, the baseline's where they do no harm, and what the author adds. */
import { PREVIEW_LABEL } from '../annotations/keys.ts';
import type { Fields } from '../model/field-reader.ts';
import { withoutMarks } from './copy-metadata.ts';
import type { CopyFault, CopyOptions } from './copy-options.ts';
import { keepApartSelectors } from './placement.ts';
import { applyChanges, changeLabels } from './relabel.ts';
import { type Labels, readLabels, selects, serviceSelector } from './selector.ts';
import { fieldsOf, nameOfObject, type Workload } from './workload.ts';

export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** The value of {@link MANAGED_BY_LABEL} on workloads that Detour made. */
export const MANAGER = 'detour';
const INSTANCE_LABEL = 'app.kubernetes.io/instance';

export interface CopyLabels {
  /** What the copy selects its pods by. It depends on name and key alone: an update must not change a selector. */
  readonly own: Labels;
  readonly pods: Labels;
  /** Of the workload itself. */
  readonly object: Labels;
}

export function copyLabels(workload: Workload, services: readonly Fields[], name: string, options: CopyOptions): CopyLabels {
  const own = { [INSTANCE_LABEL]: name, [PREVIEW_LABEL]: options.key };
  const selectors = [
    ...services.map(serviceSelector),
    workload.selector,
    ...keepApartSelectors(fieldsOf(workload.template['spec'])),
  ].filter((selector) => selector !== undefined);
  const kept = withoutMarks(workload.labels);
  const changes = changeLabels(kept, own, selectors, options.key);
  const objectLabels = withoutMarks(readLabels(fieldsOf(workload.object['metadata'])['labels']));
  return {
    own,
    pods: { ...applyChanges(kept, changes), ...options.labels, ...own },
    object: { ...applyChanges(objectLabels, changes), ...options.labels, ...own, [MANAGED_BY_LABEL]: MANAGER },
  };
}

/** What the author's own labels may break. */
export function labelFaults(
  workload: Workload,
  services: readonly Fields[],
  labels: CopyLabels,
  options: CopyOptions,
): readonly CopyFault[] {
  const reserved = [INSTANCE_LABEL, PREVIEW_LABEL, MANAGED_BY_LABEL].filter((label) => Object.hasOwn(options.labels, label));
  const taken = reserved.map((label) => ({ message: `The label ${label} is set by Detour.`, hint: 'Leave it out.' }));
  const leaks = services.filter((service) => {
    const selector = serviceSelector(service);
    return selects(selector, workload.labels) && selects(selector, labels.pods);
  });
  return [
    ...taken,
    ...leaks.map((service) => ({
      message: `With these labels, ${nameOfObject(service)} would select the preview's pods beside the baseline's.`,
      hint: 'Leave out the label that its selector asks for.',
    })),
  ];
}
