/** One connected Envoy, as `/api/proxies` shows it. */
import type { Proxy } from '../model/proxy.ts';
import type { Nack } from './history.ts';
import type { TypeName } from './observer.ts';
import type { Protocol } from './session.ts';
import type { XdsStream } from './stream.ts';

export interface TypeStatus {
  readonly type: TypeName;
  /** How many names, `*` for everything. */
  readonly subscribed: number | '*';
  /** Version of the newest response, '' if there was none. */
  readonly sent: string;
  /** Version of the newest response that was accepted, '' if there was none. */
  readonly acked: string;
  /** Whether a response waits for its answer. */
  readonly pending: boolean;
  /** The newest refusal, until a later response is accepted. */
  readonly nack: Nack | undefined;
}

export interface ProxyStatus {
  /** `node.id`. */
  readonly id: string;
  readonly role: Proxy['role'];
  /** What it said of itself: where it listens, and so on. */
  readonly proxy: Proxy;
  readonly protocol: Protocol;
  readonly peer: string;
  readonly userAgent: string;
  /** Who it has proven to be; absent where nobody asks. */
  readonly identity?: string;
  /** What is wrong with its `node.id`: another Envoy has the same. */
  readonly warning: string | undefined;
  /** Key of its scope; undefined while it waits for the first model. */
  readonly scope: string | undefined;
  /** ms since the epoch */
  readonly connectedAt: number;
  readonly types: readonly TypeStatus[];
}

/**
 * undefined for a stream whose client has not said who it is.
 * @param rivals addresses of other Envoys that claim its node
 */
export function statusOf(stream: XdsStream, scope: string | undefined, rivals: readonly string[]): ProxyStatus | undefined {
  const { info, session, connectedAt } = stream;
  if (info === undefined) return undefined;
  const { proxy } = stream;
  const { nodeId: id, role, protocol, peer, userAgent, identity } = info;
  const types = (session?.tracks ?? []).map((track): TypeStatus => {
    const { subscription, history } = track;
    return {
      type: track.facts?.type ?? track.typeUrl,
      subscribed: subscription.wildcard ? '*' : subscription.size,
      sent: history.sent,
      acked: history.acked,
      pending: track.inFlight !== undefined,
      nack: history.nack,
    };
  });
  const warning = rivals.length === 0 ? undefined : duplicateNode(id, rivals);
  const proven = identity === undefined ? {} : { identity };
  return { id, role, proxy, protocol, peer, userAgent, ...proven, warning, scope, connectedAt, types };
}

/** @param rivals their addresses */
export function duplicateNode(id: string, rivals: readonly string[]): string {
  return `duplicate node id: ${rivals.join(', ')} says that it is ${id} too; give each Envoy a name of its own, for example its pod's`;
}
