/**
 * What is read from Kubernetes, cut down to what is used. Plain, readonly data: two equal objects mean the same.
 * Sources make these; nothing else does.
 */
import type { ObjectKey } from './names.ts';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** Number, or the name of a container port. */
  readonly targetPort: number | string;
  readonly transport: 'TCP' | 'UDP' | 'SCTP';
  readonly appProtocol: string;
}

export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch; 0 where the object does not say. */
  readonly createdAt: number;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** Empty for headless Services. */
  readonly clusterIPs: readonly string[];
  /** The `detour.dev/preview` label of a Service that stands for a preview outside the cluster; else ''. */
  readonly previewLabel: string;
  /** Only `detour.dev/` annotations, names without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

export interface Endpoint {
  /** Every address of this endpoint, an IP each; the first is used. */
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** From `targetRef`, where that is a Pod. */
  readonly pod: ObjectKey | undefined;
}

export interface SlicePort {
  /** Matches {@link ServicePort.name}. */
  readonly name: string;
  readonly port: number;
}

export interface EndpointSlice {
  readonly namespace: string;
  readonly name: string;
  /** From the label `kubernetes.io/service-name`. */
  readonly service: ObjectKey;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

export interface Controller {
  readonly kind: string;
  readonly name: string;
}

/** A pod that carries the `detour.dev/preview` label. Others are not kept. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: number;
  /** The label's value as written: may be no valid key. */
  readonly previewLabel: string;
  /** Only `detour.dev/` annotations, names without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What owns it, a ReplicaSet's name without its hash and then as `Deployment`; the pod itself where nothing does. */
  readonly controller: Controller;
  readonly ips: readonly string[];
  readonly ready: boolean;
  /** Has a deletionTimestamp, or its phase is Succeeded or Failed: it leaves at once. */
  readonly leaving: boolean;
  /** Named TCP container ports. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface ClusterObjects {
  readonly service: Service;
  readonly slice: EndpointSlice;
  readonly pod: Pod;
}
export type ClusterKind = keyof ClusterObjects;

/** One object's new state; `undefined` when it is gone. */
export type ClusterChange = {
  [K in ClusterKind]: { readonly kind: K; readonly key: ObjectKey; readonly object: ClusterObjects[K] | undefined };
}[ClusterKind];

export interface ClusterState {
  readonly services: ReadonlyMap<ObjectKey, Service>;
  readonly slices: ReadonlyMap<ObjectKey, EndpointSlice>;
  readonly pods: ReadonlyMap<ObjectKey, Pod>;
}
