/** Workloads whose pods can be a baseline, and what is read of them. */
import { PREVIEW_LABEL } from '../annotations/keys.ts';
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';
import { isDnsLabel, type ObjectKey, objectKey } from '../model/names.ts';
import { shorten } from '../model/shorten.ts';
import type { CopyFault } from './copy-options.ts';
import { type Labels, labelSelector, readLabels, type Selector } from './selector.ts';

export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'ReplicaSet' | 'Pod';

export interface Workload {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly key: ObjectKey;
  /** As it came. */
  readonly object: Fields;
  /** Of the pods. */
  readonly labels: Labels;
  /** undefined for a Pod. */
  readonly selector: Selector | undefined;
  /** The pod template; of a Pod, itself. */
  readonly template: Fields;
}

const COPIED: Readonly<Record<string, WorkloadKind>> = {
  'apps/v1 Deployment': 'Deployment',
  'apps/v1 StatefulSet': 'StatefulSet',
  'apps/v1 ReplicaSet': 'ReplicaSet',
  'v1 Pod': 'Pod',
};

/** Kinds that have pods too, and are not copied. */
const REFUSED: Readonly<Record<string, string>> = {
  DaemonSet: 'a copy of it would run on every node',
  Job: 'a copy of it would do its work a second time',
  CronJob: 'a copy of it would do its work a second time',
  ReplicationController: 'it is a kind of the past',
  Rollout: 'what it does to its pods is known to its own controller only',
  DeploymentConfig: 'what it does to its pods is known to its own controller only',
};

/** Whether the object makes pods, be it of a kind that is copied or of one that is not. */
export function isWorkload(object: Fields): boolean {
  const kind = textOf(object['kind']);
  return kindOf(object) !== undefined || Object.hasOwn(REFUSED, kind);
}

/** Labels of the pods that it makes, as far as they can be read. */
export function podLabels(object: Fields): Labels {
  const template = object['kind'] === 'Pod' ? object : fieldsOf(fieldsOf(object['spec'])['template']);
  return readLabels(fieldsOf(template['metadata'])['labels']);
}

/** Whether its pods carry a key. */
export function isPreview(object: Fields): boolean {
  return Object.hasOwn(podLabels(object), PREVIEW_LABEL);
}

/** `Deployment shop/api`, as messages name it. */
export function nameOfObject(object: Fields): string {
  const metadata = fieldsOf(object['metadata']);
  const namespace = textOf(metadata['namespace']) || 'default';
  return `${textOf(object['kind']) || 'object'} ${namespace}/${textOf(metadata['name'])}`;
}

export function readWorkload(object: Fields): Workload | { readonly fault: CopyFault } {
  const label = nameOfObject(object);
  const kind = kindOf(object);
  if (kind === undefined) return { fault: notCopied(object, label) };
  const read = new FieldReader();
  const metadata = read.map(object['metadata'], 'metadata');
  const spec = read.map(object['spec'], 'spec');
  const template = kind === 'Pod' ? object : read.map(spec['template'], 'spec.template');
  const podSpec = read.map(template['spec'], kind === 'Pod' ? 'spec' : 'spec.template.spec');
  if (read.list(podSpec['containers'], 'containers').length === 0) read.mistake('containers', 'must name at least one');
  const name = read.name(metadata['name'], 'metadata.name', (text) => text.length <= 253, 'a name');
  const namespace = read.text(metadata['namespace'], 'metadata.namespace') || 'default';
  if (!isDnsLabel(namespace)) read.mistake('metadata.namespace', `must be a DNS label, not ${shorten(namespace)}`);
  if (read.failed) return { fault: { message: `${label} cannot be read: ${read.describe()}.`, hint: 'Correct it.' } };
  const controller = controllerOf(metadata);
  if (controller !== undefined) {
    const message = `${label} is made by ${controller}.`;
    return { fault: { message, hint: `Copy that: give ${controller} in its place.` } };
  }
  const selector = kind === 'Pod' ? undefined : labelSelector(spec['selector']);
  return { kind, namespace, name, key: objectKey(namespace, name), object, labels: podLabels(object), selector, template };
}

function notCopied(object: Fields, label: string): CopyFault {
  const kind = textOf(object['kind']);
  const why = Object.hasOwn(REFUSED, kind) ? `: ${REFUSED[kind]}` : '';
  return {
    message: `${label} (${textOf(object['apiVersion']) || 'no apiVersion'}) is not copied${why}.`,
    hint: 'Deployments, StatefulSets, ReplicaSets and Pods are. For another kind, write the preview yourself: a workload whose pods have the label detour.dev/preview and the annotation detour.dev/intercept.',
  };
}

function kindOf(object: Fields): WorkloadKind | undefined {
  const name = `${textOf(object['apiVersion'])} ${textOf(object['kind'])}`;
  return Object.hasOwn(COPIED, name) ? COPIED[name] : undefined;
}

function controllerOf(metadata: Fields): string | undefined {
  const owners = Array.isArray(metadata['ownerReferences']) ? metadata['ownerReferences'] : [];
  const owner = owners.find((each) => isFields(each) && each['controller'] === true);
  return isFields(owner) ? `${textOf(owner['kind'])} ${textOf(owner['name'])}` : undefined;
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
