/**
 * Plain Kubernetes objects (parsed YAML or JSON, nothing about them known) → the cluster state's types.
 * Services, EndpointSlices and preview Pods are read; other kinds only for annotations that are in the wrong place.
 */
import type { ClusterChange, ClusterKind } from '../model/cluster-state.ts';
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';
import type { ObjectKey } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import type { Problem, ProblemCode, Subject } from '../model/problem.ts';
import { shorten } from '../model/shorten.ts';
import { readEndpointSlice } from './endpoint-slice.ts';
import {
  DELETE_WHEN_EXPIRED,
  DETOUR_PREFIX,
  detourKeys,
  INJECT_LABEL,
  type Metadata,
  PREVIEW_LABEL,
  readMetadata,
} from './metadata.ts';
import { readPod } from './pod.ts';
import { readService } from './service.ts';

/** Where an object was found. */
export interface Origin {
  /** What a problem is about as long as the object itself is not known. */
  readonly subject: Subject;
  /** How a message names the place: `shop.yaml, document 2`. */
  readonly place: string;
}

/** An object that was read: a {@link ClusterChange} with something in it. */
export type ClusterObject = ClusterChange & { readonly object: NonNullable<ClusterChange['object']> };

export interface Projection {
  readonly objects: readonly ClusterObject[];
  readonly problems: readonly Problem[];
  /** Some object could not be read; whatever is known about it from before is still the best there is. */
  readonly incomplete: boolean;
}

interface KnownKind {
  readonly kind: ClusterKind;
  readonly group: string;
  readonly subject: Exclude<Subject['kind'], 'File'>;
}

const KINDS: Readonly<Record<string, KnownKind>> = {
  Service: { kind: 'service', group: '', subject: 'Service' },
  Pod: { kind: 'pod', group: '', subject: 'Pod' },
  EndpointSlice: { kind: 'slice', group: 'discovery.k8s.io', subject: 'EndpointSlice' },
};

/** An object of which the kind is known: lists leave it out. */
export function projectKind(kind: Exclude<Subject['kind'], 'File'>, value: unknown, origin: Origin): Projection {
  const known = KINDS[kind];
  if (!isFields(value) || known === undefined) return projectObjects(value, origin);
  const { object, problems, incomplete } = projectKnown(known, value, new FieldReader(), origin);
  return { objects: object === undefined ? NO_ITEMS : [object], problems, incomplete };
}

/** @param value one object, or a `List` (`PodList`, …) of them; undefined and null are an empty document. */
export function projectObjects(value: unknown, origin: Origin): Projection {
  const objects: ClusterObject[] = [];
  const problems: Problem[] = [];
  let incomplete = false;
  // A stack of its own: a List in a List in a List… is no reason to overflow ours.
  const waiting: { readonly value: unknown; readonly place: string; readonly kind: string | undefined }[] = [
    { value, place: origin.place, kind: undefined },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { place } = next;
    if (next.value === undefined || next.value === null) continue;
    const items = listItems(next.value);
    if (items !== undefined) {
      for (const [index, item] of items.values.entries())
        waiting.push({ value: item, place: `${place}, items[${index}]`, kind: items.kind });
      continue;
    }
    const projected = projectOne(next.value, next.kind, { ...origin, place });
    if (projected.object !== undefined) objects.push(projected.object);
    problems.push(...projected.problems);
    incomplete ||= projected.incomplete;
  }
  // The stack gives a list's items last first.
  return { objects: objects.reverse(), problems: problems.reverse(), incomplete };
}

/** What a `List` (`PodList`, …) holds, and the kind that its items have where they do not say; undefined: it is none. */
export function listItems(
  value: unknown,
): { readonly values: readonly unknown[]; readonly kind: string | undefined } | undefined {
  if (!isFields(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) return undefined;
  const items = value['items'];
  if (!Array.isArray(items)) return undefined;
  // The API server leaves `kind` out of the items of a PodList.
  const kind = value['kind'].slice(0, -'List'.length);
  return { values: items, kind: kind === '' ? undefined : kind };
}

interface One {
  readonly object: ClusterObject | undefined;
  readonly problems: readonly Problem[];
  readonly incomplete: boolean;
}

const NOTHING: One = { object: undefined, problems: [], incomplete: false };

function projectOne(value: unknown, listKind: string | undefined, origin: Origin): One {
  if (!isFields(value))
    return unreadable(
      origin.subject,
      `${origin.place}: not a Kubernetes object, which is a map with apiVersion, kind and metadata`,
    );
  const written = value['kind'] ?? listKind;
  if (typeof written !== 'string' || written === '') return unreadable(origin.subject, `${origin.place}: kind is missing`);
  const apiVersion = value['apiVersion'] ?? (value['kind'] === undefined ? 'v1' : undefined);
  const known = Object.hasOwn(KINDS, written) ? KINDS[written] : undefined;
  if (known === undefined) return misplaced(value, written, origin);
  const version = typeof apiVersion === 'string' ? apiVersion : '';
  const ofList = value['kind'] === undefined;
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  // `kind: Service` of serving.knative.dev is something else.
  if (!ofList && version !== '' && group !== known.group) return misplaced(value, written, origin);

  const read = new FieldReader();
  const expected = known.group === '' ? 'v1' : `${known.group}/v1`;
  if (!ofList && version === '') read.mistake('apiVersion', `must be ${expected}`);
  else if (!ofList && version !== expected) read.mistake('apiVersion', `must be ${expected}, not ${shorten(version)}`);
  return projectKnown(known, value, read, origin);
}

function projectKnown(known: KnownKind, value: Fields, read: FieldReader, origin: Origin): One {
  const metadata = readMetadata(value, read);
  const object = readKind(known.kind, value, metadata, read);
  const isPlain = !read.failed && (object.kind !== 'pod' || metadata.previewLabel !== '');
  if (isPlain && detourKeys(metadata.labels).length === 0) return { object, problems: NO_ITEMS, incomplete: false };
  const subject: Subject = metadata.name === '' ? origin.subject : { kind: known.subject, key: metadata.key };
  const label = `${known.subject} ${metadata.name === '' ? 'without a name' : metadata.key}`;
  if (read.failed) return unreadable(subject, `${origin.place}: ${label}: ${read.describe()}`);

  const problems = labelProblems(metadata, subject, label, origin);
  if (object.kind !== 'pod' || metadata.previewLabel !== '') return { object, problems, incomplete: false };
  return { object: undefined, problems: [...problems, ...unlabelled(metadata, subject, label, origin)], incomplete: false };
}

function readKind(kind: ClusterKind, value: Fields, metadata: Metadata, read: FieldReader): ClusterObject {
  const { key } = metadata;
  switch (kind) {
    case 'service':
      return { kind, key, object: readService(value, metadata, read) };
    case 'slice':
      return { kind, key, object: readEndpointSlice(value, metadata, read) };
    case 'pod':
      return { kind, key, object: readPod(value, metadata, read) };
  }
}

function unreadable(subject: Subject, message: string): One {
  const hint = 'Correct it; until then the last state of it that could be read is served, if there was one.';
  return { object: undefined, problems: [{ code: 'InvalidObject', subject, message: `${message}.`, hint }], incomplete: true };
}

function labelProblems(metadata: Metadata, subject: Subject, label: string, origin: Origin): readonly Problem[] {
  const known = subject.kind === 'Pod' ? [PREVIEW_LABEL, INJECT_LABEL] : [PREVIEW_LABEL];
  const unknown = detourKeys(metadata.labels).filter((key) => !known.includes(key));
  if (unknown.length === 0) return [];
  const message = `${origin.place}: ${label} has the label ${names(unknown)}, which has no effect.`;
  return [
    problem(
      'UnknownAnnotation',
      subject,
      message,
      `Detour's labels are ${PREVIEW_LABEL} and, on pods and namespaces, ${INJECT_LABEL}; everything else is an annotation.`,
    ),
  ];
}

/** A pod that asks to intercept, and lacks the label that it is selected by. */
function unlabelled(metadata: Metadata, subject: Subject, label: string, origin: Origin): readonly Problem[] {
  if (!Object.hasOwn(metadata.annotations, 'intercept')) return [];
  const message = `${origin.place}: ${label} has the annotation ${DETOUR_PREFIX}intercept but no label ${PREVIEW_LABEL}, so it is no preview.`;
  return [problem('InvalidKey', subject, message, `Add the label ${PREVIEW_LABEL}: <key> to the pod template.`)];
}

/** An object of another kind: nothing in it is used. */
function misplaced(value: Fields, kind: string, origin: Origin): One {
  const metadata = isFields(value['metadata']) ? value['metadata'] : {};
  // Namespaces opt in for their pods.
  const marks = kind === 'Namespace' ? [PREVIEW_LABEL] : [PREVIEW_LABEL, INJECT_LABEL];
  const keys = [...detourKeys(metadata['annotations']), ...detourKeys(metadata['labels']).filter((key) => marks.includes(key))];
  const templateKeys = new Set(detourKeysOfTemplate(value));
  const lost = keys.filter((key) => !templateKeys.has(key) && key !== DELETE_WHEN_EXPIRED);
  if (lost.length === 0) return NOTHING;
  const namespace = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : 'default';
  const name = typeof metadata['name'] === 'string' ? `${namespace}/${metadata['name']}` : 'without a name';
  const hasTemplate = isFields(value['spec']) && isFields(value['spec']['template']);
  const hint = hasTemplate
    ? "Move it to spec.template.metadata: the preview's pods carry it."
    : 'Annotations of Detour belong on the pods of a preview (on the pod template of a workload) and on Services.';
  const message = `${origin.place}: ${shorten(kind).slice(1, -1)} ${name} has ${names(lost)} on its own metadata, without any effect there.`;
  return { object: undefined, problems: [problem('MisplacedAnnotation', origin.subject, message, hint)], incomplete: false };
}

function detourKeysOfTemplate(value: Fields): readonly string[] {
  const spec = value['spec'];
  const template = isFields(spec) ? spec['template'] : undefined;
  const metadata = isFields(template) ? template['metadata'] : undefined;
  return isFields(metadata) ? [...detourKeys(metadata['annotations']), ...detourKeys(metadata['labels'])] : [];
}

function problem(code: ProblemCode, subject: Subject, message: string, hint: string): Problem {
  return { code, subject, message, hint };
}

/** At most three names in full, whatever their number and length. */
function names(keys: readonly string[]): string {
  const told = keys.slice(0, 3).map((key) => (key.length > 80 ? `${key.slice(0, 77)}…` : key));
  return told.join(', ') + (keys.length > told.length ? ` and ${keys.length - told.length} more` : '');
}

/** The name that a change's object goes by, over all kinds. */
export function clusterObjectId(object: { readonly kind: ClusterKind; readonly key: ObjectKey }): string {
  return `${object.kind} ${object.key}`;
}
