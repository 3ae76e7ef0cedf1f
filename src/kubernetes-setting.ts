/** How the control plane stands to a cluster: the API server that it reads, and what it writes there. */
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Environment } from './flags.ts';

export interface KubernetesSetting {
  readonly kind: 'kubernetes';
  readonly access: AccessSetting;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly status: StatusSetting;
}

/** What is written into the cluster, by the one replica that holds the Lease. */
export interface StatusSetting {
  readonly events: boolean;
  readonly deleteExpired: boolean;
  /** Where the Lease is; undefined: where the pod itself is. */
  readonly leaseNamespace: string | undefined;
  /** Who this replica is to the others. */
  readonly identity: string;
}

/** How the API server is found. */
export type AccessSetting =
  | { readonly kind: 'in-cluster'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'kubeconfig';
      readonly files: readonly string[];
      /** undefined: the files' current one. */
      readonly context: string | undefined;
      /** What exec plugins run with. */
      readonly environment: Environment;
    };

/** Values of flags, as they were given. */
export interface ClusterFlags {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: readonly string[];
  readonly events: 'on' | 'off' | undefined;
  readonly 'delete-expired': 'on' | 'off' | undefined;
  readonly 'lease-namespace': string | undefined;
  readonly identity: string | undefined;
}

/** @param values of the flags that are for a cluster */
export function kubernetesSetting(values: ClusterFlags, environment: Environment): KubernetesSetting {
  const access = accessSetting(values, environment);
  const status = statusSetting(values, environment, access.kind === 'in-cluster');
  return { kind: 'kubernetes', access, namespaces: [...new Set(values.namespace)], status };
}

/** Whoever names a kubeconfig or a context means it; a pod has its ServiceAccount; people have ~/.kube/config. */
export function accessSetting(
  { kubeconfig, context }: Pick<ClusterFlags, 'kubeconfig' | 'context'>,
  environment: Environment,
): AccessSetting {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (kubeconfig === undefined && listed.length === 0 && context === undefined && host !== '')
    return { kind: 'in-cluster', host, port: Number(environment['KUBERNETES_SERVICE_PORT'] ?? 443) };
  const files = listed.length > 0 ? listed : [join(environment['HOME'] ?? '.', '.kube', 'config')];
  return { kind: 'kubeconfig', files: kubeconfig === undefined ? files : [kubeconfig], context, environment };
}

/** Whoever tries it from a laptop writes nothing into a cluster unless told to. */
function statusSetting(values: ClusterFlags, environment: Environment, isInCluster: boolean): StatusSetting {
  const podNamespace = environment['POD_NAMESPACE'] ?? '';
  return {
    events: (values.events ?? (isInCluster ? 'on' : 'off')) === 'on',
    deleteExpired: (values['delete-expired'] ?? (isInCluster ? 'on' : 'off')) === 'on',
    leaseNamespace: values['lease-namespace'] ?? (podNamespace === '' ? undefined : podNamespace),
    identity: values.identity ?? hostname(),
  };
}
