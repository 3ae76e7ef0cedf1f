/**
 * Which streams say that they are the same node. An Envoy has one aggregated stream, or one for each type. After a broken
 * connection the old one may stand beside the new one for a while, and is silent; where both go on to speak, two Envoys
 * were given one `node.id`, which is a mistake: what is said of the one is taken for the other.
 */
import type { Proxy } from '../model/proxy.ts';

/** A stream that has said who it is. */
export interface Claim {
  /** `node.id`. */
  readonly nodeId: string;
  readonly role: Proxy['role'];
  /** Address of the client. */
  readonly peer: string;
  /** Of a stream for one type; undefined: aggregated. */
  readonly typeUrl: string | undefined;
}

export class NodeClaims {
  /** By `node.id`, in the order in which they came. */
  readonly #byNode = new Map<string, Set<Claim>>();
  readonly #rivals = new Map<Claim, Set<Claim>>();

  /**
   * A stream has said something.
   * @returns a younger one of another Envoy that claims the same node, once for each two.
   */
  heard(claim: Claim): Claim | undefined {
    const { nodeId, role, peer, typeUrl } = claim;
    // Clients that route for themselves open several streams, and many processes may share a name.
    if (role === 'client') return undefined;
    const claims = this.#byNode.get(nodeId) ?? new Set();
    if (!claims.has(claim)) this.#byNode.set(nodeId, claims.add(claim));
    if (claims.size === 1) return undefined;
    const all = [...claims];
    const younger = all.slice(all.indexOf(claim) + 1);
    const known = this.#rivals.get(claim);
    const rival = younger.find((each) => each.typeUrl === typeUrl && each.peer !== peer && known?.has(each) !== true);
    if (rival === undefined) return undefined;
    this.#link(claim, rival);
    this.#link(rival, claim);
    return rival;
  }

  ended(claim: Claim): void {
    const claims = this.#byNode.get(claim.nodeId);
    claims?.delete(claim);
    if (claims?.size === 0) this.#byNode.delete(claim.nodeId);
    for (const rival of this.#rivals.get(claim) ?? []) {
      const others = this.#rivals.get(rival);
      others?.delete(claim);
      if (others?.size === 0) this.#rivals.delete(rival);
    }
    this.#rivals.delete(claim);
  }

  /** Addresses of other Envoys that claim the same node, sorted. */
  rivals(claim: Claim): readonly string[] {
    return [...(this.#rivals.get(claim) ?? [])].map(({ peer }) => peer).sort();
  }

  #link(claim: Claim, rival: Claim): void {
    const rivals = this.#rivals.get(claim) ?? new Set();
    this.#rivals.set(claim, rivals.add(rival));
  }
}
