/**
 * What `kubectl apply` made of `detour create --dry-run` is the command's own from the next run on. Without that a variable
 * that is left out then would stay, since kubectl still says that it is to be there.
 */
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import { type Fields, isFields } from '../../model/field-reader.ts';
import { MANAGER } from '../../preview/copy-labels.ts';
import { fieldsOf, listOf } from '../../preview/workload.ts';

/** How `kubectl apply` calls itself, without and with `--server-side`. */
const APPLIERS: readonly { readonly manager: string; readonly operation: string }[] = [
  { manager: 'kubectl-client-side-apply', operation: 'Update' },
  { manager: 'kubectl', operation: 'Apply' },
];

/** A JSON patch that makes our manager the one of all that kubectl has applied; undefined: it has applied nothing. */
export function takeOverFields(object: ApiObject): readonly object[] | undefined {
  const metadata = fieldsOf(object['metadata']);
  const managers = listOf(metadata['managedFields']).map(fieldsOf);
  const isTaken = (entry: Fields): boolean =>
    !entry['subresource'] &&
    APPLIERS.some(({ manager, operation }) => entry['manager'] === manager && entry['operation'] === operation);
  const isOurs = (entry: Fields): boolean =>
    !entry['subresource'] && entry['manager'] === MANAGER && entry['operation'] === 'Apply';
  const [first, ...others] = managers.filter((entry) => isOurs(entry) || isTaken(entry));
  if (first === undefined || !managers.some(isTaken)) return undefined;
  const fieldsV1 = others.reduce((all, entry) => union(all, fieldsOf(entry['fieldsV1'])), fieldsOf(first['fieldsV1']));
  const own = { ...first, manager: MANAGER, operation: 'Apply', fieldsV1 };
  const value = [...managers.filter((entry) => !isOurs(entry) && !isTaken(entry)), own];
  return [
    { op: 'replace', path: '/metadata/managedFields', value },
    // Of that very version: what came since would be lost.
    { op: 'test', path: '/metadata/resourceVersion', value: metadata['resourceVersion'] },
  ];
}

/** A set of fields is a map of maps: an empty one is a field itself. */
function union(one: Fields, other: Fields): Fields {
  const all: Record<string, unknown> = { ...one };
  for (const [name, below] of Object.entries(other)) {
    const own = all[name];
    all[name] = isFields(own) && isFields(below) ? union(own, below) : below;
  }
  return all;
}
