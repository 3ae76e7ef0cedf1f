/** What an installation's sidecars are, unless a pod says otherwise. */
import type { ResourceSetting } from '../annotations/parse-sidecar.ts';
import type { IpFamily } from '../model/capture.ts';
import type { Egress } from '../model/egress.ts';
import type { SocketAddress } from '../model/proxy.ts';
import type { SidecarCredentials } from './credentials.ts';

/** Those that there are. */
export const IP_FAMILIES: readonly IpFamily[] = ['ipv4', 'ipv6'];

export interface InjectSettings {
  /** Where control planes listen, as pods reach them. */
  readonly xds: readonly SocketAddress[];
  /** Of pods' addresses; never empty. */
  readonly ipFamilies: readonly IpFamily[];
  /** undefined: what leaves the cluster leaves as it is. */
  readonly egress?: Egress | undefined;
  /** undefined: no TLS, and sidecars do not say whose they are. */
  readonly credentials: SidecarCredentials | undefined;
  /** Envoy. */
  readonly image: string;
  /** What has the command `detour capture`. */
  readonly captureImage: string;
  readonly resources: ResourceSetting;
  /** Worker threads. */
  readonly concurrency: number;
  /** The control plane's own namespace: what runs there starts before it. */
  readonly systemNamespace: string;
}

/** Pods of these start the cluster: nothing is injected there. */
export const SYSTEM_NAMESPACES: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];
