/** What the other types of a stream let one of them say now: make before break (O1 to O5, M8, M9). Pure. */
import type { ResourceType } from '../translate/resource.ts';
import type { Gate } from './pass.ts';
import type { EncodedResource } from './resource.ts';
import type { SessionOptions } from './session-options.ts';
import type { Track } from './track.ts';
import { PUSH_ORDER, type TypeFacts } from './type-urls.ts';
import type { View } from './view.ts';

/** The stream's types, and what they are of. */
export interface Types {
  readonly view: View;
  /** undefined until the client asks for the type. */
  track(type: ResourceType): Track | undefined;
}

export class OrderGate implements Gate {
  readonly #options: SessionOptions;
  readonly #types: Types;
  /** In ms. */
  #now: number;
  /** Whether the client came with resources of an earlier stream. */
  #isReconnect = false;
  /** Whether it came with routes, and so had asked for clusters: State-of-the-World clients say so. */
  #hasRoutes = false;

  constructor(options: SessionOptions, types: Types) {
    this.#options = options;
    this.#types = types;
    this.#now = options.now;
  }

  /** @param now ms */
  at(now: number): void {
    this.#now = now;
  }

  /** The client has named resources that it has. */
  reconnected(): void {
    this.#isReconnect = true;
  }

  /** The client comes with routes, and did not say which. */
  cameWithRoutes(): void {
    this.#hasRoutes = true;
  }

  get isOpen(): boolean {
    return this.#clusters?.isSettled(this.#types.view.seq) ?? !this.isYetToAskFor('cluster');
  }

  mayAdd(resource: EncodedResource, heldSince: number | undefined): boolean {
    const clusters = this.#clusters;
    if (resource.clusters.length === 0 || clusters?.isSettled(this.#types.view.seq) === true) return true;
    if (this.isOverdue(heldSince)) return true;
    // M8: an Envoy says nothing of clusters while one warms: it lost its last stream before that one had its endpoints.
    if (clusters === undefined) return !this.isYetToAskFor('cluster');
    const accepted = clusters.acceptedSeq;
    if (accepted !== undefined) {
      const { complete, begun } = clusters.log.reaches.of(resource);
      if (accepted >= complete || accepted < begun) return accepted >= complete;
    }
    // M8: the client acknowledges clusters when they are warm. Those that it does not want or that do not exist are no reason.
    return resource.clusters.every((name) => {
      if (!clusters.subscription.has(name) || clusters.accepted(name) !== undefined) return true;
      return clusters.log.entry(name)?.current === undefined && clusters.inFlight?.items.get(name)?.sent === undefined;
    });
  }

  mayRemove(facts: TypeFacts, seq: number): boolean {
    // O3, O5: not before the client has taken everything that may point at it, and refused none of it.
    return facts.removedAfter.every((type) => {
      const track = this.#types.track(type);
      if (track === undefined) return !this.isYetToAskFor(type);
      return track.subscription.isEmpty || track.isSettled(seq);
    });
  }

  /** M9: one cluster that never warms must not freeze the routes. @param heldSince ms; undefined: it is not held */
  isOverdue(heldSince: number | undefined): boolean {
    return heldSince !== undefined && this.#now - heldSince >= this.#options.gateMs;
  }

  /**
   * A reconnected client asks for one type after the other: until it has, what it holds of the others is not known. What
   * its view cannot hold, and what it cannot ask for on this stream, is nothing to wait for.
   */
  isYetToAskFor(type: ResourceType): boolean {
    if (!(this.#isReconnect || (this.#hasRoutes && type === 'cluster'))) return false;
    if (this.#now - this.#options.now >= this.#options.gateMs) return false;
    return this.#options.isAggregated && this.#types.view.types.has(type) && this.#types.track(type) === undefined;
  }

  /** When it opens by itself, in ms; undefined: it does not wait for what the client asks for. */
  get opensAt(): number | undefined {
    return PUSH_ORDER.some(({ type }) => this.isYetToAskFor(type)) ? this.#options.now + this.#options.gateMs : undefined;
  }

  get #clusters(): Track | undefined {
    return this.#types.track('cluster');
  }
}
