/** Who an Envoy is, and what it may see. */
import type { IpFamily } from './capture.ts';
import type { CarrierPolicy } from './carriers.ts';
import type { Egress } from './egress.ts';
import type { InterceptId, ObjectKey } from './names.ts';

/** From `node.id` and `node.metadata` (design, section 3). */
export type Proxy =
  | {
      readonly role: 'gateway';
      readonly namespace: string;
      readonly name: string;
      /** Without TLS; undefined only where there is `tls`. */
      readonly listen: SocketAddress | undefined;
      readonly tls?: GatewayTls | undefined;
      /** How many proxies before it are believed what they say of the client; none unless told. */
      readonly trustedHops?: number | undefined;
      readonly previewDomain: string | undefined;
      readonly corsOrigins: readonly string[];
      /** Of those from outside; undefined: they count as they come. */
      readonly carriers?: CarrierPolicy | undefined;
    }
  | {
      readonly role: 'sidecar';
      readonly namespace: string;
      /** The pod's name. */
      readonly name: string;
      /** Explicit inbound ports: what the world connects to, and where the app listens. */
      readonly inbound: readonly InboundPort[];
      /** Explicit outbound listener. */
      readonly outbound: SocketAddress | undefined;
      /** Services of other namespaces to reach through `outbound`. */
      readonly services: readonly ObjectKey[];
      /** The pod's traffic is captured: the families of its addresses. Without: explicit ports. Never both. */
      readonly capture?: readonly IpFamily[] | undefined;
      /** Only with `capture`: what leaves the cluster carries nothing; undefined: it leaves as it is. */
      readonly egress?: Egress | undefined;
    }
  /** Proxyless gRPC and the like: asks for names, gets plain routes. */
  | { readonly role: 'client'; readonly id: string };

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** Keys and certificates are files of the Envoy's. */
export interface GatewayTls {
  readonly listen: SocketAddress;
  /** At least one. The first is shown to who asks for no host, or for one that no certificate has. */
  readonly certificates: readonly string[];
  /** The folder with the `certificateFile` of each. */
  readonly sdsFolder: string;
  /** The port of the https URLs that the listener without TLS leads to; undefined: it serves as well. */
  readonly redirectPort: number | undefined;
}

export interface InboundPort {
  readonly listen: SocketAddress;
  readonly app: SocketAddress;
}

/**
 * What a view is made for. Envoys with equal scopes share one view: a scope holds nothing that is one Envoy's own.
 * Made by `translate/scope.ts` from a Proxy and the model.
 */
export type Scope =
  | {
      readonly kind: 'gateway';
      readonly namespace: string;
      readonly listen: SocketAddress | undefined;
      readonly tls?: GatewayTls | undefined;
      readonly trustedHops?: number | undefined;
      readonly previewDomain: string | undefined;
      readonly corsOrigins: readonly string[];
      readonly carriers?: CarrierPolicy | undefined;
    }
  | {
      readonly kind: 'sidecar';
      readonly namespace: string;
      readonly inbound: readonly InboundScope[];
      readonly outbound: SocketAddress | undefined;
      readonly services: readonly ObjectKey[];
      /** Intercepts that the pod itself serves: never sent elsewhere. */
      readonly previews: readonly InterceptId[];
      /** Services whose undecided requests go on to the baseline (leak safety). */
      readonly inBaselineOf: readonly ObjectKey[];
      /** As in {@link Proxy}; `inbound` are then the ports that Services have of the pod. */
      readonly capture?: readonly IpFamily[] | undefined;
      readonly egress?: Egress | undefined;
    }
  | { readonly kind: 'client' };

export interface InboundScope {
  readonly listen: SocketAddress;
  readonly app: SocketAddress;
  readonly services: readonly { readonly service: ObjectKey; readonly port: number }[];
}
