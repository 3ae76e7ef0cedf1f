/** What is wrong with the `detour.dev/` annotations and labels of one object, told by the rooms that tell it elsewhere. */
import { checkNames, checkSize } from '../annotations/check-keys.ts';
import { INJECT_LABEL, PREFIX } from '../annotations/keys.ts';
import { parseBaseline } from '../annotations/parse-baseline.ts';
import { parsePreview } from '../annotations/parse-preview.ts';
import { checkInjectLabel, parseSidecar } from '../annotations/parse-sidecar.ts';
import type { Pod, Service } from '../model/cluster-state.ts';
import { type Fields, isFields } from '../model/field-reader.ts';
import type { Declaration } from '../model/intercept.ts';
import { objectKey } from '../model/names.ts';
import { fieldAt, podOfTemplate, templatePath } from '../model/pod-template.ts';
import type { Problem, Subject } from '../model/problem.ts';
import { projectObjects } from '../sources/objects.ts';

export interface ObjectProblems {
  /** Those of its own text. */
  readonly own: readonly Problem[];
  /** With the Services that are there now: another order of applying them may solve these. */
  readonly withOthers: readonly Problem[];
}

/** What the Services that are there now say to a preview of this namespace. */
export type FaultsOf = (declaration: Declaration, namespace: string) => readonly Pick<Problem, 'code' | 'message' | 'hint'>[];

/** @param place of the object: a new one may have no name of its own yet. */
export function objectProblems(
  object: Fields,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  faultsOf: FaultsOf,
): ObjectProblems {
  const metadata = isFields(object['metadata']) ? object['metadata'] : {};
  const whole = { ...object, metadata: { ...metadata, namespace, name } };
  if (object['kind'] === 'Service') return projected(whole, undefined, faultsOf);
  const template = templatePath(object);
  const pods = template === undefined ? undefined : podOfTemplate(whole, template, name);
  if (template?.length === 0 && pods !== undefined) return projected(pods, pods, faultsOf);
  const [outer, inner] = [projected(whole, undefined, faultsOf), pods === undefined ? NONE : projected(pods, pods, faultsOf)];
  return { own: [...outer.own, ...inner.own], withOthers: [...outer.withOthers, ...inner.withOthers] };
}

const NONE: ObjectProblems = { own: [], withOthers: [] };
const PLACE = 'admission';

/** @param pod the object, where it is one. */
function projected(object: Fields, pod: Fields | undefined, faultsOf: FaultsOf): ObjectProblems {
  const { objects, problems } = projectObjects(object, { subject: { kind: 'File', key: PLACE }, place: PLACE });
  // Whether it is an object at all, the API server says.
  const own = problems.filter(({ code }) => code !== 'InvalidObject').map(withoutPlace);
  const labels = pod === undefined ? [] : labelProblems(pod);
  const [read] = objects;
  if (read?.kind === 'pod')
    return { own: [...own, ...labels, ...parsePreview(read.object).problems], withOthers: faults(read.object, faultsOf) };
  if (read?.kind === 'service') {
    const isPreview = read.object.previewLabel !== '';
    const preview = isPreview ? parsePreview(read.object).problems : [];
    const others = isPreview ? faults(read.object, faultsOf) : [];
    return { own: [...own, ...parseBaseline(read.object).problems, ...preview], withOthers: others };
  }
  return { own: [...own, ...labels, ...(pod === undefined ? [] : unlabelledProblems(pod))], withOthers: [] };
}

function withoutPlace(problem: Problem): Problem {
  return { ...problem, message: problem.message.replace(`${PLACE}: `, '') };
}

function subjectOf(pod: Fields): Subject {
  const { namespace, name } = { namespace: fieldAt(pod, ['metadata', 'namespace']), name: fieldAt(pod, ['metadata', 'name']) };
  return { kind: 'Pod', key: objectKey(String(namespace), String(name)) };
}

function labelProblems(pod: Fields): readonly Problem[] {
  return checkInjectLabel(fieldAt(pod, ['metadata', 'labels', INJECT_LABEL]), subjectOf(pod));
}

/** Of a pod that is no preview. */
function unlabelledProblems(pod: Fields): readonly Problem[] {
  const subject = subjectOf(pod);
  const map = fieldAt(pod, ['metadata', 'annotations']);
  const own = Object.entries(isFields(map) ? map : {}).filter(([name]) => name.startsWith(PREFIX));
  const annotations = Object.fromEntries(own.map(([name, value]) => [name.slice(PREFIX.length), String(value)]));
  const tooLarge = checkSize(annotations, subject);
  if (tooLarge !== undefined) return [tooLarge];
  return [...parseSidecar(annotations, subject).problems, ...checkNames(annotations, subject, ['preview', 'sidecar'])];
}

/** What the Services say to it that it stands in for. */
function faults(object: Pod | Service, faultsOf: FaultsOf): readonly Problem[] {
  const { declaration } = parsePreview(object);
  const kind = 'controller' in object ? 'Pod' : 'Service';
  const subject: Subject = { kind, key: objectKey(object.namespace, object.name) };
  return declaration === undefined ? [] : faultsOf(declaration, object.namespace).map((fault) => ({ ...fault, subject }));
}
