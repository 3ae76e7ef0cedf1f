/** The preview's workload into the cluster, by server-side apply: made, or changed where an earlier run made it. */
import { PREFIX, PREVIEW_LABEL } from '../../annotations/keys.ts';
import { isFailure } from '../../kubernetes/api-client.ts';
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import type { Failure } from '../../kubernetes/failure.ts';
import { MANAGED_BY_LABEL, MANAGER } from '../../preview/copy-labels.ts';
import type { Manifest } from '../../preview/copy-workload.ts';
import { fieldsOf, textOf } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { collectionPath, WORKLOAD_PLACES } from '../cluster/workload-kinds.ts';
import { isTrouble, type Trouble, troubleOf } from '../trouble.ts';
import { takeOverFields } from './take-over-fields.ts';

export interface Applied {
  readonly object: ApiObject;
  readonly did: 'created' | 'changed' | 'replaced' | 'left as it was';
  /** What it stood in for before, where that was something else. */
  readonly stoodInFor: string | undefined;
}

/** Their pods do not follow their templates. */
const REPLACED: readonly string[] = ['ReplicaSet', 'Pod'];
const GONE_MS = 60_000;

export function objectPath({ kind, metadata }: Manifest): string {
  return `${collectionPath(WORKLOAD_PLACES[kind], metadata.namespace)}/${metadata.name}`;
}

/** @returns trouble for an object of that name that is not ours, or of another key */
export async function applyPreview(cluster: Cluster, manifest: Manifest): Promise<Applied | Trouble> {
  const path = objectPath(manifest);
  const { resource } = WORKLOAD_PLACES[manifest.kind];
  const label = `${manifest.kind} ${manifest.metadata.namespace}/${manifest.metadata.name}`;
  const before = await cluster.call('GET', path, { resource });
  if (isFailure(before) && before.status !== 404) return troubleOf(before, `cannot read ${label}`);
  const existing = isFailure(before) ? undefined : before;
  if (existing !== undefined) {
    const foreign = notOurs(existing, manifest, label);
    if (foreign !== undefined) return foreign;
    if (REPLACED.includes(manifest.kind)) {
      const removed = await remove(cluster, existing, path, resource, label);
      if (isTrouble(removed)) return removed;
    } else await takeOver(cluster, existing, path, resource);
  }
  const query = { fieldManager: MANAGER, force: 'true', fieldValidation: 'Strict' };
  const contentType = 'application/apply-patch+yaml';
  const object = await cluster.call('PATCH', path, { resource, query, body: manifest, contentType });
  if (isFailure(object)) return applyTrouble(object, label, manifest);
  const stoodInFor = existing === undefined ? undefined : interceptOf(existing);
  return {
    object,
    did: existing === undefined ? 'created' : whatBecame(existing, object, manifest),
    stoodInFor: stoodInFor === interceptOf(manifest) ? undefined : stoodInFor,
  };
}

/** Where it does not come off, what is applied next is right all the same, but for what it leaves out. */
async function takeOver(cluster: Cluster, existing: ApiObject, path: string, resource: string): Promise<void> {
  const body = takeOverFields(existing);
  if (body === undefined) return;
  await cluster.call('PATCH', path, { resource, body, contentType: 'application/json-patch+json' });
}

function whatBecame(before: ApiObject, after: ApiObject, { kind }: Manifest): Applied['did'] {
  if (REPLACED.includes(kind)) return 'replaced';
  const version = (object: ApiObject) => fieldsOf(object['metadata'])['resourceVersion'];
  return version(before) === version(after) ? 'left as it was' : 'changed';
}

function notOurs(existing: ApiObject, { metadata }: Manifest, label: string): Trouble | undefined {
  const labels = fieldsOf(fieldsOf(existing['metadata'])['labels']);
  if (labels[MANAGED_BY_LABEL] !== MANAGER)
    return {
      trouble: `${label} is there already, and \`detour create\` did not make it`,
      hint: 'give the preview another --name',
    };
  if (labels[PREVIEW_LABEL] !== metadata.labels[PREVIEW_LABEL])
    return {
      trouble: `${label} is the preview of another key, ${textOf(labels[PREVIEW_LABEL])}`,
      hint: 'give this one another --name',
    };
  return undefined;
}

function interceptOf(object: ApiObject): string | undefined {
  const template = object['kind'] === 'Pod' ? object : fieldsOf(fieldsOf(object['spec'])['template']);
  const value = fieldsOf(fieldsOf(template['metadata'])['annotations'])[`${PREFIX}intercept`];
  return typeof value === 'string' ? value : undefined;
}

async function remove(
  cluster: Cluster,
  existing: ApiObject,
  path: string,
  resource: string,
  label: string,
): Promise<ApiObject | Trouble> {
  const { uid } = fieldsOf(existing['metadata']);
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions: { uid } };
  const deleted = await cluster.call('DELETE', path, { resource, body });
  if (isFailure(deleted) && deleted.status !== 404) return troubleOf(deleted, `cannot replace ${label}`);
  const deadline = Date.now() + GONE_MS;
  for (;;) {
    const now = await cluster.call('GET', path, { resource });
    if (isFailure(now) && now.status === 404) return existing;
    if (Date.now() > deadline) return { trouble: `${label} does not go away, so it cannot be replaced`, hint: '' };
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function applyTrouble(failure: Failure, label: string, { metadata }: Manifest): Trouble {
  if (failure.status === 422 && /immutable|forbidden/i.test(failure.reason)) {
    const again = `\`detour delete ${metadata.labels[PREVIEW_LABEL]} -n ${metadata.namespace}\` first, then create it anew`;
    return { trouble: `${label} cannot be changed into this: ${failure.reason}`, hint: again };
  }
  if (failure.status !== 403) return troubleOf(failure, `cannot apply ${label}`);
  return { ...troubleOf(failure, `cannot apply ${label}`), hint: failure.fix === '' ? '' : 'you need patch and create on it' };
}
