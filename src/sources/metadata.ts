/** `metadata` of any object, cut down to what is used, and what is wrong with it. */

import { type FieldReader, type Fields, isFields } from '../model/field-reader.ts';
import { isDnsLabel, type ObjectKey, objectKey } from '../model/names.ts';

export const DETOUR_PREFIX = 'detour.dev/';
export const PREVIEW_LABEL = 'detour.dev/preview';
/** On pods and namespaces: whether a sidecar is injected. */
export const INJECT_LABEL = 'detour.dev/inject';
/** The one annotation that belongs on a workload's own metadata. */
export const DELETE_WHEN_EXPIRED = 'detour.dev/delete-when-expired';
/** What kubectl takes where a manifest names no namespace. */
export const DEFAULT_NAMESPACE = 'default';

export interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly key: ObjectKey;
  readonly createdAt: number;
  readonly deleted: boolean;
  readonly labels: Fields;
  /** The text of {@link PREVIEW_LABEL}; '' without it. */
  readonly previewLabel: string;
  /** Only `detour.dev/` annotations, names without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly ownerReferences: unknown;
}

const PREVIEW_LABEL_PATH = `metadata.labels[${PREVIEW_LABEL}]`;
const DNS_SUBDOMAIN = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export function isDnsSubdomain(text: string): boolean {
  return DNS_SUBDOMAIN.test(text);
}

export function readMetadata(object: Fields, read: FieldReader): Metadata {
  const metadata = read.map(object['metadata'], 'metadata');
  const namespace =
    metadata['namespace'] === undefined || metadata['namespace'] === null || metadata['namespace'] === ''
      ? DEFAULT_NAMESPACE
      : read.name(metadata['namespace'], 'metadata.namespace', isDnsLabel, 'a DNS label');
  const name = read.name(metadata['name'], 'metadata.name', isDnsSubdomain, 'a DNS name in lower case');
  const labels = read.map(metadata['labels'], 'metadata.labels');
  return {
    namespace,
    name,
    key: objectKey(namespace, name),
    createdAt: read.instant(metadata['creationTimestamp'], 'metadata.creationTimestamp'),
    deleted: metadata['deletionTimestamp'] !== undefined && metadata['deletionTimestamp'] !== null,
    labels,
    previewLabel: read.text(labels[PREVIEW_LABEL], PREVIEW_LABEL_PATH),
    annotations: readAnnotations(metadata, read),
    ownerReferences: metadata['ownerReferences'],
  };
}

/** Most objects have none. */
export const NO_ANNOTATIONS: Readonly<Record<string, string>> = Object.freeze({});

function readAnnotations(metadata: Fields, read: FieldReader): Readonly<Record<string, string>> {
  if (metadata['annotations'] === undefined) return NO_ANNOTATIONS;
  const annotations = read.map(metadata['annotations'], 'metadata.annotations');
  const entries: [string, string][] = [];
  for (const name of detourKeys(annotations))
    entries.push([name.slice(DETOUR_PREFIX.length), read.text(annotations[name], `metadata.annotations[${name.slice(0, 80)}]`)]);
  if (entries.length === 0) return NO_ANNOTATIONS;
  // Without a prototype's names: `detour.dev/__proto__` is an annotation like any other.
  return Object.fromEntries(entries);
}

/** Keys under `detour.dev/` of a map that was not checked: labels, or the annotations of an object that is not read. */
export function detourKeys(map: unknown): readonly string[] {
  return isFields(map) ? Object.keys(map).filter((key) => key.startsWith(DETOUR_PREFIX)) : [];
}
