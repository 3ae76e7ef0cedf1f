/** An object of a manifest → what is added to the pods that it makes. */
import { type Fields, isFields } from '../model/field-reader.ts';
import { fieldAt, templatePath } from '../model/pod-template.ts';
import type { Problem } from '../model/problem.ts';
import { injectPod } from './inject-pod.ts';
import { type Addition, below } from './patch.ts';
import type { InjectSettings } from './settings.ts';

/** Kinds whose controllers make pods of a template as it stands. */
const KINDS: ReadonlySet<string> = new Set([
  ...['v1 Pod', 'v1 ReplicationController', 'batch/v1 Job', 'batch/v1 CronJob'],
  ...['apps/v1 Deployment', 'apps/v1 StatefulSet', 'apps/v1 DaemonSet', 'apps/v1 ReplicaSet'],
]);

export interface ManifestInjection {
  /** `Deployment shop/api`. */
  readonly name: string;
  /** `none`: it is no workload. `unknown`: it may be one, of a kind that is not known. */
  readonly outcome: 'injected' | 'unfit' | 'left' | 'none' | 'unknown';
  readonly patch: readonly Addition[];
  readonly problems: readonly Problem[];
}

/** @param restricted namespaces that are known to refuse the init step. */
export function injectManifest(object: Fields, restricted: ReadonlySet<string>, settings: InjectSettings): ManifestInjection {
  const metadata = isFields(object['metadata']) ? object['metadata'] : {};
  const [namespace, own] = [
    textOf(metadata['namespace']) || 'default',
    textOf(metadata['name']) || textOf(metadata['generateName']),
  ];
  const name = `${textOf(object['kind']) || 'object'} ${namespace}/${own}`;
  const nothing = { name, patch: [], problems: [] };
  const path = templatePath(object);
  const template = path === undefined ? undefined : fieldAt(object, path);
  if (path === undefined || !isFields(template) || !isFields(template['spec'])) return { ...nothing, outcome: 'none' };
  if (!KINDS.has(`${textOf(object['apiVersion'])} ${textOf(object['kind'])}`))
    return { ...nothing, outcome: Array.isArray(template['spec']['containers']) ? 'unknown' : 'none' };
  const place = { namespace, name: own, isRestricted: restricted.has(namespace) };
  const { outcome, patch, problems } = injectPod(template, place, settings);
  return { name, outcome, patch: patch.map((each) => below(path, each)), problems };
}

const STANDARDS: ReadonlySet<unknown> = new Set(['baseline', 'restricted']);

/** The namespaces among these objects whose pod security refuses the init step. */
export function restrictedNamespaces(objects: readonly Fields[]): ReadonlySet<string> {
  const found = objects.filter((object) => {
    const labels = fieldAt(object, ['metadata', 'labels']);
    return object['kind'] === 'Namespace' && isFields(labels) && STANDARDS.has(labels['pod-security.kubernetes.io/enforce']);
  });
  return new Set(found.map((object) => textOf(fieldAt(object, ['metadata', 'name']))));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
