/**
 * The state machine behind every stream, ADS or of one type, State-of-the-World or delta. Pure: requests go in, what
 * became of them comes out, and {@link Session.next} says what to send while the transport takes it. Nothing is queued:
 * what is not sent yet is found again when it is asked for, in its newest state.
 */
import type { ResourceType } from '../translate/resource.ts';
import type { DeltaRequest, SotwRequest } from './codec.ts';
import { receiveDelta } from './delta.ts';
import { EndpointsDue } from './endpoints-due.ts';
import type { IdSet } from './id-set.ts';
import { OrderGate, type Types } from './order-gate.ts';
import type { Outcome } from './outcome.ts';
import type { Item } from './pass.ts';
import type { EncodedResource } from './resource.ts';
import type { Protocol, SessionOptions } from './session-options.ts';
import { SetVersion } from './set-version.ts';
import type { SharedPass } from './shared-pass.ts';
import { receiveSotw } from './sotw.ts';
import { Track } from './track.ts';
import { TypeLog } from './type-log.ts';
import { factsOf, factsOfUrl, PUSH_ORDER } from './type-urls.ts';
import type { View, ViewReader } from './view.ts';
import type { ResponseParts } from './wire.ts';

export type { Protocol } from './session-options.ts';

export interface Response extends ResponseParts {
  readonly protocol: Protocol;
  /** undefined for a type that we do not serve. */
  readonly type: ResourceType | undefined;
}

/** Unknown types cost memory too: beyond this many they are not even remembered. */
const MAX_UNKNOWN_TYPES = 16;

export class Session implements Types, ViewReader {
  readonly protocol: Protocol;
  readonly #options: SessionOptions;
  readonly #tracks = new Map<string, Track>();
  /** In push order. */
  #ordered: readonly Track[] = [];
  /** undefined: the client has asked for endpoints. */
  #endpointsDue: EndpointsDue | undefined = new EndpointsDue();
  #view: View;
  readonly #gate: OrderGate;
  #nonces = 0;

  constructor(options: SessionOptions) {
    this.protocol = options.protocol;
    this.#options = options;
    this.#view = options.view;
    this.#gate = new OrderGate(options, this);
    this.#view.attach(this);
  }

  get view(): View {
    return this.#view;
  }

  /** In push order. */
  get tracks(): readonly Track[] {
    return this.#ordered;
  }

  /** Endpoints that are sent whatever the client says that it has. */
  get owedEndpoints(): number {
    return this.#endpointsDue?.size ?? 0;
  }

  /** undefined until the client asks for the type. */
  track(type: ResourceType): Track | undefined {
    return this.#tracks.get(factsOf(type).typeUrl);
  }

  /** @param now ms */
  receiveSotw(request: SotwRequest, now: number): Outcome {
    this.#gate.at(now);
    if (factsOfUrl(request.typeUrl)?.type === 'route') this.#view.supply(request.names);
    const { track, isFirst } = this.#trackFor(request.typeUrl);
    if (track === undefined) return { kind: 'ignored' };
    if (isFirst && track.facts?.type === 'route' && request.version !== '') this.#gate.cameWithRoutes();
    const outcome = receiveSotw(track, request, isFirst, this.#view.seq, now);
    this.#forgetNames(track);
    return outcome;
  }

  /** @param now ms */
  receiveDelta(request: DeltaRequest, now: number): Outcome {
    this.#gate.at(now);
    if (factsOfUrl(request.typeUrl)?.type === 'route') this.#view.supply(request.subscribe);
    const { track, isFirst } = this.#trackFor(request.typeUrl);
    if (track === undefined) return { kind: 'ignored' };
    if (isFirst && request.initialVersions.size > 0) this.#gate.reconnected();
    const isEndpoints = track.facts?.type === 'endpoints';
    const due = isEndpoints ? this.#endpointsDue : undefined;
    // C3, M3: who comes back and says nothing of clusters may be warming one that changed, and waits for endpoints that it has.
    const isWarming = isEndpoints && isFirst && this.#gate.isYetToAskFor('cluster');
    const mustSend =
      !isWarming && due?.isEmpty !== false ? undefined : (name: string): boolean => isWarming || due?.has(name) === true;
    const outcome = receiveDelta(track, request, isFirst, this.#view.seq, now, mustSend);
    if (isEndpoints) this.#endpointsDue = undefined;
    this.#forgetNames(track);
    return outcome;
  }

  /** The stream's scope has changed. */
  moveTo(view: View): void {
    view.supply(this.track('route')?.subscription.explicit() ?? []);
    for (const track of this.#ordered) {
      if (track.facts !== undefined) track.rebase(view.log(track.facts.type), view.seq);
    }
    this.#view.detach(this);
    this.#view = view;
    view.attach(this);
  }

  /** The stream has ended. */
  close(): void {
    this.#view.detach(this);
  }

  /**
   * The next response, undefined while there is nothing to say. The caller sends it, and asks again when it is gone.
   * @param now ms
   */
  next(now: number): Response | undefined {
    this.#gate.at(now);
    if (this.#isAtRest()) return undefined;
    const clusters = this.track('cluster');
    const maxBytes = this.protocol === 'delta' ? this.#options.maxBytes : Infinity;
    for (let isMoving = true; isMoving; ) {
      isMoving = false;
      let isWaiting = false;
      // O1: in push order. A type that has come further may be what another one waits for: then once more.
      for (const track of this.#ordered) {
        const isStill = clusters !== undefined && track.standstill.holds(clusters.standstill, this.#view.seq);
        if (isStill && !this.#gate.isOverdue(track.heldSince)) {
          isWaiting = true;
          continue;
        }
        const { cursor } = track;
        const marks = track.marks.size;
        const items = track.collect(this.#gate, now, this.#view.seq, maxBytes);
        if (items !== undefined) return this.#respond(track, items);
        if (track.cursor !== cursor || track.marks.size !== marks) {
          isMoving = true;
          track.standstill.moved();
        }
        if (track.marks.size > 0) isWaiting = true;
        if (clusters !== undefined) track.standstill.begin(track.isHeldAlone, clusters.standstill, this.#view.seq);
      }
      // What waits has a mark.
      if (!isWaiting) break;
    }
    return undefined;
  }

  /** Most calls come after a response has gone out, and after its acknowledgement has come: then there is nothing to do. */
  #isAtRest(): boolean {
    for (const track of this.#ordered) if (!track.rest(this.#view.seq)) return false;
    return true;
  }

  /** When to ask for {@link next} even if nothing happens, in ms; undefined: never. */
  deadline(): number | undefined {
    let earliest = this.#gate.opensAt ?? Infinity;
    for (const { heldSince } of this.#ordered) earliest = Math.min(earliest, (heldSince ?? Infinity) + this.#options.gateMs);
    return earliest === Infinity ? undefined : earliest;
  }

  /** The newest change number of the view of which the client has answered all that it was told. */
  get answeredSeq(): number {
    let answered = this.#view.seq;
    for (const track of this.#ordered) answered = Math.min(answered, track.answeredSeq);
    return answered;
  }

  /** Whether the client has acknowledged this very resource; undefined when it does not ask for it. */
  holds({ type, name, version }: EncodedResource): boolean | undefined {
    const track = this.track(type);
    if (!track?.subscription.has(name)) return undefined;
    return track.accepted(name)?.version === version;
  }

  /** Whether the client has refused this very resource, and so is not told it again (N8). */
  refuses({ type, name, version }: EncodedResource): boolean {
    return this.track(type)?.marks.get(name)?.refused?.version === version;
  }

  cursorsOf(type: ResourceType): Iterable<number> {
    const cursor = this.track(type)?.cursor;
    // What another type names may be gone by now and be asked for yet (R5): so the oldest of all counts too.
    return cursor === undefined ? [this.answeredSeq] : [cursor, this.answeredSeq];
  }

  idsOf(type: ResourceType): IdSet | undefined {
    return this.track(type)?.subscription.ids;
  }

  #respond(track: Track, items: ReadonlyMap<string, Item>): Response {
    const { typeUrl, facts } = track;
    this.#nonces += 1;
    const nonce = `${this.#options.id}-${this.#nonces}`;
    const { shared } = track;
    const sent = shared?.resources ?? [...items.values()].flatMap((item) => (item.sent === undefined ? [] : [item.sent]));
    const isFull = this.protocol === 'sotw' && facts?.fullState === true;
    const resources = isFull ? track.stateAfter(items) : sent;
    const version = isFull ? SetVersion.of(resources.map((resource) => resource.version)).toString() : track.log.version;
    const mayRemove = this.protocol === 'delta' && shared === undefined;
    const removed = mayRemove ? [...items].flatMap(([name, item]) => (item.sent === undefined ? [name] : [])) : [];
    const common = this.protocol === 'delta' ? shared?.common(typeUrl, version) : undefined;
    track.sent(nonce, version, items);
    if (facts?.type === 'cluster') {
      // N9: those that the client may have taken are what they were before, for it.
      const changedBack = isFull ? resources.filter(({ name }) => track.isUnsure(name)) : [];
      this.#sendEndpointsOf([...sent, ...changedBack], shared);
    }
    return { protocol: this.protocol, typeUrl, type: facts?.type, nonce, version, resources, common, removed };
  }

  /** M2, M3, M5: a cluster that was sent waits for its endpoints to be sent after it, whether they changed or not. */
  #sendEndpointsOf(clusters: readonly EncodedResource[], shared: SharedPass | undefined): void {
    const endpoints = this.track('endpoints');
    if (endpoints === undefined && shared !== undefined && this.#endpointsDue?.share(shared.endpointsNames) === true) return;
    if (endpoints !== undefined && shared !== undefined && !endpoints.subscription.wildcard) {
      const { log, subscription } = endpoints;
      const ids = shared.endpointsIds(log.names);
      if (!subscription.ids.hasAny(ids)) return;
    }
    for (const { endpointsName } of clusters) {
      if (endpointsName === undefined) continue;
      // M4: one that is not subscribed yet is answered when it is.
      if (endpoints === undefined) this.#owe(endpointsName);
      else if (endpoints.subscription.has(endpointsName)) endpoints.resend(endpointsName);
    }
  }

  #owe(endpointsName: string): void {
    // Elsewhere nobody asks: on a stream for clusters alone, and in a State-of-the-World request, which says no versions.
    if (!this.#options.isAggregated || this.protocol === 'sotw') return;
    this.#endpointsDue?.add(endpointsName, this.#view.log('endpoints'));
  }

  /** What was asked for and given up is not remembered: all that the track refers to is subscribed by now. */
  #forgetNames({ facts, log, subscription }: Track): void {
    if (facts !== undefined) this.#view.asked(facts.type);
    else if (log.hasManyNames) log.forgetNames(subscription.ids.copy());
  }

  #trackFor(typeUrl: string): { readonly track: Track | undefined; readonly isFirst: boolean } {
    const known = this.#tracks.get(typeUrl);
    if (known !== undefined) return { track: known, isFirst: false };
    const facts = factsOfUrl(typeUrl);
    if (facts === undefined && this.#ordered.filter((track) => track.facts === undefined).length >= MAX_UNKNOWN_TYPES) {
      return { track: undefined, isFirst: false };
    }
    const isDelta = this.protocol === 'delta';
    const speech = { removals: isDelta || facts?.fullState === true, missing: isDelta };
    const log = facts === undefined ? new TypeLog() : this.#view.log(facts.type);
    const legacyWildcard = this.#options.hasLegacyWildcard !== false && facts?.fullState === true;
    const track = new Track({ typeUrl, facts, speech, legacyWildcard }, log, this.#view.seq);
    this.#tracks.set(typeUrl, track);
    const served = PUSH_ORDER.flatMap((each) => this.#tracks.get(each.typeUrl) ?? []);
    this.#ordered = [...served, ...[...this.#tracks.values()].filter((each) => each.facts === undefined)];
    return { track, isFirst: true };
  }
}
