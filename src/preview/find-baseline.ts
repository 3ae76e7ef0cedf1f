/** Which workload is the baseline of a Service: the one whose pods it selects. */
import type { Fields } from '../model/field-reader.ts';
import type { CopyFault } from './copy-options.ts';
import { selects, serviceSelector } from './selector.ts';
import { fieldsOf, isPreview, isWorkload, nameOfObject, podLabels, textOf } from './workload.ts';

/** Workloads that the Service selects, without previews, and without those that another object makes. */
export function workloadsOf(service: Fields, objects: readonly Fields[]): readonly Fields[] {
  const namespace = namespaceOf(service);
  const selector = serviceSelector(service);
  return objects.filter(
    (object) =>
      isWorkload(object) &&
      namespaceOf(object) === namespace &&
      selects(selector, podLabels(object)) &&
      !isPreview(object) &&
      !isMade(object),
  );
}

/**
 * @param objects workloads of the Service's namespace: Deployments, StatefulSets, ReplicaSets and Pods, as far as they may be read.
 * @param name the one of several that is meant; undefined: there is only one.
 */
export function findBaseline(
  service: Fields,
  objects: readonly Fields[],
  name: string | undefined,
): { readonly workload: Fields } | { readonly fault: CopyFault } {
  const label = nameOfObject(service);
  if (serviceSelector(service) === undefined) {
    const message = `${label} has no selector, so no workload can be told to be behind it.`;
    return { fault: { message, hint: 'Write the preview yourself; see docs/annotations.md.' } };
  }
  const found = workloadsOf(service, objects);
  const wanted = name === undefined ? found : found.filter((each) => fieldsOf(each['metadata'])['name'] === name);
  const [workload, other] = wanted;
  if (workload !== undefined && other === undefined) return { workload };
  const names = found.map(nameOfObject).join(', ');
  if (found.length === 0) {
    const message = `${label} selects the pods of no workload.`;
    return { fault: { message, hint: "Look whether its selector matches the labels of a workload's pod template." } };
  }
  const message =
    name === undefined
      ? `${label} selects the pods of several workloads: ${names}.`
      : `${label} selects the pods of no workload ${name}, but of ${names}.`;
  return { fault: { message, hint: 'Say which one with --workload NAME.' } };
}

/** `default` where nothing is said. */
export function namespaceOf(object: Fields): string {
  return textOf(fieldsOf(object['metadata'])['namespace']) || 'default';
}

function isMade(object: Fields): boolean {
  const owners = fieldsOf(object['metadata'])['ownerReferences'];
  return Array.isArray(owners) && owners.some((owner) => fieldsOf(owner)['controller'] === true);
}
