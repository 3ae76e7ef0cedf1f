/** Which workloads the leader may delete: those that `detour create --ttl` made, once their time has come. No other. */
import { DELETE_WHEN_EXPIRED, PREFIX } from '../annotations/keys.ts';
import { parseInstant } from '../annotations/timestamp.ts';
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';
import type { InvolvedObject } from './event-object.ts';
import type { Telling } from './fact.ts';
import type { WorkloadResource } from './workload-resources.ts';

/** What the list asks for; what comes is looked at again. */
export const CREATED_SELECTOR = 'app.kubernetes.io/managed-by=detour,detour.dev/preview';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const KEY = `${PREFIX}preview`;
const EXPIRES = `${PREFIX}expires`;
const DELETE = `${PREFIX}${DELETE_WHEN_EXPIRED}`;

/** A workload that is to go when it has expired. */
export interface Mortal {
  readonly involved: InvolvedObject;
  readonly key: string;
  /** As its author sees it, RFC 3339. */
  readonly expires: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
  readonly resourceVersion: string;
}

/** @returns undefined for whatever is to stay. */
export function readMortal(object: Fields, { apiVersion, kind }: WorkloadResource): Mortal | undefined {
  const read = new FieldReader();
  const metadata = read.map(object['metadata'], 'metadata');
  const labels = read.map(metadata['labels'], 'labels');
  const annotations = read.map(metadata['annotations'], 'annotations');
  const text = (value: unknown) => read.text(value, 'it');
  const key = text(labels[KEY]);
  const expires = text(annotations[EXPIRES]);
  const expiresAt = parseInstant(expires);
  const [namespace, name, uid] = [text(metadata['namespace']), text(metadata['name']), text(metadata['uid'])];
  const resourceVersion = text(metadata['resourceVersion']);
  const owners = read.list(metadata['ownerReferences'], 'ownerReferences');
  const isMarked = labels[MANAGED_BY] === 'detour' && annotations[DELETE] === 'true' && key !== '';
  // What belongs to something else goes with that: a Deployment's pods may carry its annotations.
  const isOwned = owners.some((owner) => isFields(owner) && owner['controller'] === true);
  const isGoing = metadata['deletionTimestamp'] !== undefined && metadata['deletionTimestamp'] !== null;
  if (read.failed || !isMarked || isOwned || isGoing || expiresAt === undefined) return undefined;
  if (namespace === '' || name === '' || uid === '' || resourceVersion === '') return undefined;
  return { involved: { apiVersion, kind, namespace, name, uid }, key, expires, expiresAt, resourceVersion };
}

/** What is said of it, before it is deleted. */
export function deletionTelling({ involved, key, expires }: Mortal): Telling {
  const { kind, namespace, name } = involved;
  const fact = {
    target: { kind, namespace, name },
    topic: `deletion ${kind}/${namespace}/${name}`,
    reason: 'PreviewExpired',
    type: 'Normal',
    text: `Preview ${key} expired at ${expires}: Detour deletes this ${kind}, as its --ttl says.`,
    version: expires,
    ending: undefined,
    repeats: false,
  } as const;
  return { fact, phase: 'is', version: expires };
}

/** Deletes just what was looked at, and with it what it owns. */
export function deleteOptions({ involved, resourceVersion }: Mortal): Fields {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    preconditions: { uid: involved.uid, resourceVersion },
  };
}
