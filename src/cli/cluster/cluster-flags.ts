/** The flags of commands that talk to a cluster: as kubectl has them, and how the control plane is reached. */
import { many, one, optional, readText } from '../../flag-values.ts';
import { type Environment, type FlagTable, type FlagValues, type Reading, variableOf } from '../../flags.ts';
import { accessSetting } from '../../kubernetes-setting.ts';
import { isDnsLabel } from '../../model/names.ts';
import type { Io } from '../command.ts';
import { Cluster } from './cluster.ts';

export const DEFAULT_SYSTEM_NAMESPACE = 'detour-system';

export const CLUSTER_FLAGS = {
  namespace: {
    ...optional({ value: 'NAME', summary: "The namespace; without it the context's own." }, readNamespace),
    short: 'n',
  },
  kubeconfig: optional(
    { value: 'FILE', summary: 'How to reach the cluster; without it KUBECONFIG counts, then ~/.kube/config.' },
    readText,
  ),
  context: optional({ value: 'NAME', summary: 'The context of the kubeconfig; without it the current one.' }, readText),
} as const satisfies FlagTable;

export const CONTROL_PLANE_FLAGS = {
  server: many(
    {
      value: 'URL',
      summary: `The admin endpoint of the control plane, of each of its replicas; without it they are reached through the API server. Also ${variableOf('server')}.`,
    },
    readUrl,
  ),
  'system-namespace': one(
    {
      value: 'NAME',
      default: [DEFAULT_SYSTEM_NAMESPACE],
      summary: `Where the control plane runs. Also ${variableOf('system-namespace')}.`,
    },
    readNamespace,
  ),
} as const satisfies FlagTable;

export type ClusterValues = FlagValues<typeof CLUSTER_FLAGS>;
export type ControlPlaneValues = FlagValues<typeof CONTROL_PLANE_FLAGS>;

/** The only variables that these flags have: the others are settings of `detour serve`, which mean something else. */
export function clusterEnvironment(environment: Environment): Environment {
  const names = [variableOf('server'), variableOf('system-namespace')];
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}

/** Nothing is read or asked before it is needed. */
export function clusterOf(values: ClusterValues, io: Io): Cluster {
  return new Cluster(accessSetting(values, io.environment), values.namespace, io.err);
}

export function readNamespace(text: string): Reading<string> {
  return isDnsLabel(text) ? { value: text } : { mistake: 'must be a namespace, for example shop' };
}

function readUrl(text: string): Reading<URL> {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return isHttp ? { value: new URL(text) } : { mistake: 'must be a URL, for example http://127.0.0.1:19000' };
}
