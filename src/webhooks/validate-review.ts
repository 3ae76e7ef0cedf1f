/** The validating webhook: mistakes in annotations are answered to whoever applies them. */
import { type Fields, isFields } from '../model/field-reader.ts';
import { PROBLEMS, type Problem } from '../model/problem.ts';
import { type AdmissionRequest, placeOf, type Verdict } from './admission-review.ts';
import { type FaultsOf, objectProblems } from './object-problems.ts';
import { problemText } from './problem-text.ts';

export interface ValidateVerdict extends Verdict {
  readonly outcome: 'fine' | 'warned' | 'denied';
}

/**
 * An error in what somebody writes is refused. What a controller makes is never: the app matters more than its annotation,
 * and nobody would read why. Nor is an object that had the error before: it must go on to scale and to end.
 */
export function reviewAnnotations(request: AdmissionRequest, faultsOf: FaultsOf): ValidateVerdict {
  const { object, oldObject, operation } = request;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return { allowed: true, outcome: 'fine' };
  const place = placeOf(request);
  const { own, withOthers } = objectProblems(object, place, faultsOf);
  const before = operation === 'UPDATE' ? objectProblems(oldObject, place, faultsOf).own.map(problemText) : [];
  const isNew = (problem: Problem): boolean => !before.includes(problemText(problem));
  const errors = own.filter((problem) => PROBLEMS[problem.code].severity === 'error' && isNew(problem));
  const all = [...own, ...withOthers].map((problem) => lineOf(problem, object, place));
  if (errors.length > 0 && !isControlled(object) && !isEnding(object)) {
    const message = errors.map((problem) => lineOf(problem, object, place)).join('\n');
    return { allowed: false, outcome: 'denied', message };
  }
  return { allowed: true, outcome: all.length > 0 ? 'warned' : 'fine', warnings: all };
}

/** Names the object that was applied, where the problem names its pods. */
function lineOf(
  problem: Problem,
  object: Fields,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  const label = `${String(object['kind'])} ${namespace}/${name}`;
  const message = problem.message.replace(`Pod ${namespace}/${name}: `, '');
  return problemText({ ...problem, message: message.includes(label) ? message : `${label}: ${message}` });
}

function isControlled(object: Fields): boolean {
  const owners = metadataOf(object)['ownerReferences'];
  return Array.isArray(owners) && owners.some((owner) => isFields(owner) && owner['controller'] === true);
}

function isEnding(object: Fields): boolean {
  return typeof metadataOf(object)['deletionTimestamp'] === 'string';
}

function metadataOf(object: Fields): Fields {
  return isFields(object['metadata']) ? object['metadata'] : {};
}
