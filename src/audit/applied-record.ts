/** What the API server told the validating webhook, as a line: who applied what. */
import { PREFIX, WRITTEN } from '../annotations/keys.ts';
import { type Fields, isFields } from '../model/field-reader.ts';
import { fieldAt, templatePath } from '../model/pod-template.ts';
import { type AdmissionRequest, placeOf } from '../webhooks/admission-review.ts';
import type { AppliedRecord } from './record.ts';

const MOST_MARKS = 64;
const LONGEST_VALUE = 1_024;
const LONGEST_USER = 512;
/** Those of Kubernetes' own controllers. */
const CONTROLLERS = 'system:serviceaccount:kube-system:';

/**
 * @returns undefined where nothing of Detour's differs; for what is only tried; and for what a controller of Kubernetes makes
 * of another object, about which there was a line.
 */
export function appliedRecord(request: AdmissionRequest, outcome: string): AppliedRecord | undefined {
  const { operation, object, oldObject, user, dryRun, kind } = request;
  if (dryRun || operation === 'CONNECT') return undefined;
  const isDelete = operation === 'DELETE';
  if (user.startsWith(CONTROLLERS) && isControlled(isDelete ? oldObject : object)) return undefined;
  const [is, was] = [isDelete ? NONE : marksOf(object), operation === 'CREATE' ? NONE : marksOf(oldObject)];
  const names = [...new Set([...is.keys(), ...was.keys()])].filter((name) => is.get(name) !== was.get(name)).slice(0, MOST_MARKS);
  if (names.length === 0) return undefined;
  const { namespace, name } = placeOf(isDelete ? { ...request, object: oldObject } : request);
  const pick = (marks: ReadonlyMap<string, string>): Record<string, string> =>
    Object.fromEntries(names.flatMap((each) => (marks.has(each) ? [[each, marks.get(each) ?? '']] : [])));
  return {
    event: 'applied',
    namespace,
    workload: { kind, name },
    operation,
    user: user.slice(0, LONGEST_USER),
    outcome,
    after: pick(is),
    before: pick(was),
  };
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Labels and annotations of the object and of the pods that it makes, by name. */
function marksOf(object: Fields): ReadonlyMap<string, string> {
  const template = templatePath(object);
  const places = [['metadata'], ...(template === undefined || template.length === 0 ? [] : [[...template, 'metadata']])];
  const maps = places.flatMap((path) => ['labels', 'annotations'].map((map) => fieldAt(object, [...path, map])));
  return new Map(
    maps
      .flatMap((map) => Object.entries(isFields(map) ? map : {}))
      .filter(([name]) => name.startsWith(PREFIX) && !WRITTEN.includes(name.slice(PREFIX.length)))
      .map(([name, value]) => [name, String(value).slice(0, LONGEST_VALUE)]),
  );
}

function isControlled(object: Fields): boolean {
  const owners = fieldAt(object, ['metadata', 'ownerReferences']);
  return Array.isArray(owners) && owners.some((owner) => isFields(owner) && owner['controller'] === true);
}
