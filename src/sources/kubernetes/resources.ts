/** What is watched, and where the API server has it. */
import type { Subject } from '../../model/problem.ts';
import { PREVIEW_LABEL } from '../metadata.ts';

export interface WatchedResource {
  /** As in a Role: `services`. */
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: Exclude<Subject['kind'], 'File'>;
  /** The server leaves out what does not have this label; '' for all. */
  readonly label: string;
}

export const WATCHED_RESOURCES: readonly WatchedResource[] = [
  { name: 'services', apiVersion: 'v1', kind: 'Service', label: '' },
  // A slice without this label belongs to no Service.
  { name: 'endpointslices', apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', label: 'kubernetes.io/service-name' },
  { name: 'pods', apiVersion: 'v1', kind: 'Pod', label: PREVIEW_LABEL },
];

/** One resource in one namespace, or in all. */
export interface Target {
  readonly resource: WatchedResource;
  /** undefined: all namespaces. */
  readonly namespace: string | undefined;
}

export function pathOf({ resource, namespace }: Target): string {
  const group = resource.apiVersion.includes('/') ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  return `${group}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource.name}`;
}

/** `pods in namespace shop`. */
export function describeTarget({ resource, namespace }: Target): string {
  return `${resource.name} in ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}`;
}
