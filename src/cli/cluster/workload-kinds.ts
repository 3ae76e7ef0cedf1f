/** Where the API server has workloads. */
import type { WorkloadKind } from '../../preview/workload.ts';

export interface KindPlace {
  readonly kind: string;
  readonly apiVersion: string;
  /** The resource: `deployments`. */
  readonly resource: string;
}

export const WORKLOAD_PLACES: Readonly<Record<WorkloadKind, KindPlace>> = {
  Deployment: { kind: 'Deployment', apiVersion: 'apps/v1', resource: 'deployments' },
  StatefulSet: { kind: 'StatefulSet', apiVersion: 'apps/v1', resource: 'statefulsets' },
  ReplicaSet: { kind: 'ReplicaSet', apiVersion: 'apps/v1', resource: 'replicasets' },
  Pod: { kind: 'Pod', apiVersion: 'v1', resource: 'pods' },
};

/** @param namespace undefined: all */
export function collectionPath({ apiVersion, resource }: KindPlace, namespace: string | undefined): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource}`;
}
