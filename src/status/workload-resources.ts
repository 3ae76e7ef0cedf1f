/** Where the API server has the objects that Events are about, and those that are deleted when they have expired. */

export interface WorkloadResource {
  /** As in a Role: `deployments`. */
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
}

/** What `detour create` can make: these are looked through for what has expired. */
export const DELETED_RESOURCES: readonly WorkloadResource[] = [
  { name: 'deployments', apiVersion: 'apps/v1', kind: 'Deployment' },
  { name: 'statefulsets', apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { name: 'replicasets', apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { name: 'pods', apiVersion: 'v1', kind: 'Pod' },
];

/** What an Event can be about, with its uid. */
const KNOWN: ReadonlyMap<string, WorkloadResource> = new Map(
  [
    ...DELETED_RESOURCES,
    { name: 'daemonsets', apiVersion: 'apps/v1', kind: 'DaemonSet' },
    { name: 'jobs', apiVersion: 'batch/v1', kind: 'Job' },
    { name: 'services', apiVersion: 'v1', kind: 'Service' },
    { name: 'endpointslices', apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  ].map((resource) => [resource.kind, resource]),
);

/** undefined for kinds of others: an Event on them has no uid. */
export function resourceOfKind(kind: string): WorkloadResource | undefined {
  return KNOWN.get(kind);
}

/** @param namespace undefined: all; `name` undefined: the collection. */
export function pathOf({ apiVersion, name: resource }: WorkloadResource, namespace: string | undefined, name?: string): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${group}${scope}/${resource}${name === undefined ? '' : `/${name}`}`;
}
