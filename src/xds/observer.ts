/** What the app wants to hear of the streams, for metrics and logs. */
import type { GrpcObserver } from '../grpc/observer.ts';
import type { Proxy } from '../model/proxy.ts';
import type { ResourceType } from '../translate/resource.ts';
import type { Denied, Refusal } from './gate.ts';
import type { Protocol } from './session.ts';

export interface StreamInfo {
  /** Unique among the streams of this process. */
  readonly id: string;
  /** `node.id`. */
  readonly nodeId: string;
  readonly role: Proxy['role'];
  readonly protocol: Protocol;
  /** Address of the client. */
  readonly peer: string;
  /** What the client calls itself, and '' if it does not. */
  readonly userAgent: string;
  /** Who it has proven to be; undefined where nobody asks. */
  readonly identity?: string;
}

export interface NackInfo {
  /** What was refused: one name when it is known which resource it is. */
  readonly names: readonly string[];
  readonly error: string;
  readonly nonce: string;
}

/** Types that we do not serve are told by their URL. */
export type TypeName = ResourceType | (string & {});

export interface XdsObserver extends GrpcObserver {
  streamOpened(stream: StreamInfo): void;
  /** @param reason why we closed it; undefined: the client did, or the connection broke */
  streamClosed(stream: StreamInfo, reason: string | undefined): void;
  /** Ended because the server stops. */
  streamDrained(stream: StreamInfo): void;
  /** Closed before it was one, because of what the client said. */
  streamRefused(peer: string, reason: string): void;
  /** Not let in: nobody knows who it is, or it may not be whom it claims to be. */
  streamDenied(denied: Denied, refusal: Refusal): void;
  /** Closed before it was read, because many others are being brought up to date. */
  streamSentAway(peer: string, reason: string): void;
  /**
   * Another Envoy, at the address `rivalPeer`, says that it is the same node, and both go on to speak. Told once for
   * each two streams.
   */
  nodeClaimedTwice(stream: StreamInfo, rivalPeer: string): void;
  /** Every request, ACKs and NACKs too. */
  request(type: TypeName, stream: StreamInfo): void;
  ack(type: TypeName, stream: StreamInfo): void;
  nack(type: TypeName, stream: StreamInfo, nack: NackInfo): void;
  responseSent(type: TypeName, bytes: number, resources: number, stream: StreamInfo): void;
  /** Every Envoy that was connected when a change came has answered it, so many ms after. */
  converged(ms: number): void;
}
