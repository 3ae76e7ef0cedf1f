/**
 * One type on one stream: what the client has, and what it has to be told next. Pure.
 *
 * What the client has is, for all it is subscribed to, the state of the view after change number `cursor`, but for the
 * few names with a mark. So an idle stream costs its subscription's bits and a number.
 */
import { Isolation } from './isolation.ts';
import { type Gate, type Item, type Known, type Mark, Pass, REMOVAL, type Speech } from './pass.ts';
import type { EncodedResource } from './resource.ts';
import { Subscription, type SubscriptionChange } from './subscription.ts';
import type { Entry, TypeLog } from './type-log.ts';
import type { TypeFacts } from './type-urls.ts';

export interface InFlight {
  readonly nonce: string;
  /** Of the whole type, as the response said. */
  readonly version: string;
  readonly items: ReadonlyMap<string, Item>;
  /** The cursor before it. */
  readonly from: number;
}

export interface Nack {
  readonly error: string;
  /** ms */
  readonly at: number;
  readonly names: readonly string[];
}

/** Versions are '' where there is none. */
export interface History {
  readonly sent: string;
  readonly acked: string;
  readonly nack: Nack | undefined;
}

/** How the nonce of a request stands to what was sent. */
export type NonceState = 'none' | 'inFlight' | 'done' | 'stale';

export class Track {
  readonly typeUrl: string;
  /** undefined for a type that we do not serve (S4). */
  readonly facts: TypeFacts | undefined;
  readonly subscription: Subscription;
  readonly #speech: Speech;
  #log: TypeLog;
  #cursor: number;
  #marks = new Map<string, Mark>();
  #inFlight: InFlight | undefined;
  #lastNonce: string | undefined;
  #lastCursor = 0;
  #sentVersion = '';
  #ackedVersion = '';
  #lastNack: Nack | undefined;
  readonly #isolation = new Isolation();
  /** Whether the first response is due even if it says nothing (C6). */
  #owesFirst = false;
  #heldSeq: number | undefined;
  #heldSince: number | undefined;

  /** @param seq the view's newest change number */
  constructor(typeUrl: string, facts: TypeFacts | undefined, speech: Speech, log: TypeLog, seq: number) {
    this.typeUrl = typeUrl;
    this.facts = facts;
    this.subscription = new Subscription(log.names, facts?.fullState ?? false);
    this.#speech = speech;
    this.#log = log;
    this.#cursor = seq;
  }

  get log(): TypeLog {
    return this.#log;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get inFlight(): InFlight | undefined {
    return this.#inFlight;
  }

  get marks(): ReadonlyMap<string, Mark> {
    return this.#marks;
  }

  /** For people: versions of the newest response and of the newest accepted one, and a refusal that came after that. */
  get history(): History {
    return { sent: this.#sentVersion, acked: this.#ackedVersion, nack: this.#lastNack };
  }

  /** Since when something waits for its clusters, in ms. */
  get heldSince(): number | undefined {
    return this.#heldSince;
  }

  /** The newest change number up to which the client has answered all that it was to be told. */
  get answeredSeq(): number {
    if (this.subscription.isEmpty && this.#inFlight === undefined) return Infinity;
    const answered = Math.min(this.#inFlight?.from ?? this.#cursor, this.#isolation.from ?? Infinity);
    return this.#heldSeq === undefined ? answered : Math.min(answered, this.#heldSeq - 1);
  }

  /** Whether the client has acknowledged all that there is up to change number `seq`, and refused none of it. */
  isSettled(seq: number): boolean {
    return this.#inFlight === undefined && this.#marks.size === 0 && this.#cursor >= seq && !this.#owesFirst;
  }

  nonceState(nonce: string): NonceState {
    // N2: a nonce means something only where a response of this stream had it.
    if (nonce === '' || this.#lastNonce === undefined) return 'none';
    if (nonce === this.#inFlight?.nonce) return 'inFlight';
    return nonce === this.#lastNonce ? 'done' : 'stale';
  }

  /** What the client is known to have accepted under this name. */
  accepted(name: string): Known | undefined {
    const item = this.#inFlight?.items.get(name);
    return item === undefined ? this.#has(name) : item.had;
  }

  /** @param seq the view's newest change number */
  changeSubscription(change: SubscriptionChange, isFirst: boolean, seq: number): void {
    if (change.lostEverything) {
      for (const name of this.#marks.keys()) if (!this.subscription.has(name)) this.#marks.delete(name);
    }
    for (const name of change.dropped) this.#marks.delete(name);
    if (change.everything) {
      for (const name of this.subscription.explicit()) if (!this.#marks.has(name)) this.#mark(name, this.#has(name));
      this.#cursor = 0;
      this.#owesFirst = isFirst && this.facts?.fullState === true;
    }
    for (const name of change.answer) this.#force(name, undefined);
    if (this.subscription.isEmpty) this.#cursor = seq;
  }

  /** A first request that is up to date is not answered (N11). @param seq the view's newest change number */
  startAt(seq: number): void {
    this.#cursor = seq;
    this.#owesFirst = false;
  }

  /** The name is sent again, also when the client has it (M1, M3), but not what the client has refused. */
  resend(name: string): void {
    if (this.#marks.get(name)?.refused === undefined) this.#force(name, this.#has(name));
  }

  /**
   * A reconnected client says what it has (C1 to C3).
   * @param seq the view's newest change number
   * @param mustSend names that are sent whatever the client has
   */
  seed(versions: ReadonlyMap<string, string>, seq: number, mustSend: (name: string) => boolean): void {
    const compare = (name: string): void => {
      const version = versions.get(name);
      if (mustSend(name)) return this.#force(name, undefined);
      this.#marks.delete(name);
      if (version !== this.#log.entry(name)?.current?.version) this.#mark(name, version === undefined ? undefined : { version });
    };
    if (!this.subscription.wildcard) {
      // C4: names that the client has and does not ask for mean nothing. One that it asks for and has not stays forced.
      for (const name of versions.keys()) if (this.subscription.has(name)) compare(name);
      return;
    }
    for (const { name, current } of this.#log.entries()) if (current !== undefined) compare(name);
    // C2: what is gone by now.
    for (const name of versions.keys()) if (this.#log.entry(name)?.current === undefined) compare(name);
    this.#cursor = seq;
  }

  /** The stream's view is another one now: what differs is due, the rest is not. @param seq its newest change number */
  rebase(log: TypeLog, seq: number): void {
    const names = new Set([...this.#marks.keys(), ...this.subscription.explicit()]);
    if (this.subscription.wildcard) {
      for (const { name } of this.#log.entries()) names.add(name);
      for (const { name } of log.entries()) names.add(name);
    }
    const marks = new Map<string, Mark>();
    for (const name of names) {
      const mark = this.#marks.get(name) ?? { has: this.#has(name), forced: false, refused: undefined, heldSince: undefined };
      if (mark.forced || mark.has?.version !== log.entry(name)?.current?.version) marks.set(name, mark);
    }
    this.subscription.moveTo(log.names);
    this.#log = log;
    this.#marks = marks;
    this.#cursor = seq;
    this.#heldSeq = undefined;
    this.#isolation.reset();
    if (this.#inFlight !== undefined) this.#inFlight = { ...this.#inFlight, from: seq - 1 };
  }

  /**
   * What to say now, undefined for nothing. Nothing while a response is not acknowledged (F1): what changes meanwhile is
   * found again after the cursor.
   * @param now ms
   * @param seq the view's newest change number
   * @param maxBytes the items end there, though there is always one (F8); Infinity where a response cannot be split
   */
  collect(gate: Gate, now: number, seq: number, maxBytes: number): ReadonlyMap<string, Item> | undefined {
    if (this.#inFlight !== undefined || this.subscription.isEmpty) return undefined;
    const pass = new Pass(gate, this.facts, this.#speech, this.#cursor, now, maxBytes);
    this.#lastCursor = this.#cursor;
    if (this.#collectProbe(pass)) return pass.items;
    const known: string[] = [];
    const reached = this.#collectMarks(pass, known, now) ? this.#collectLog(pass, now, seq) : this.#cursor;
    this.#heldSeq = pass.heldSeq;
    this.#heldSince = pass.heldSince;
    this.#cursor = reached;
    // Where the cursor has passed the newest change, it says what the mark says.
    for (const name of known) if ((this.#log.entry(name)?.seq ?? 0) <= reached) this.#marks.delete(name);
    return pass.items.size > 0 || this.#owesFirst ? pass.items : undefined;
  }

  /** The response with these items goes out now. */
  sent(nonce: string, version: string, items: ReadonlyMap<string, Item>): void {
    this.#owesFirst = false;
    this.#lastNonce = nonce;
    this.#sentVersion = version;
    this.#inFlight = { nonce, version, items, from: this.#lastCursor };
    for (const [name, { sent }] of items) {
      if (this.#log.entry(name)?.at(this.#cursor)?.version === sent?.version) this.#marks.delete(name);
      else this.#mark(name, sent);
    }
  }

  /** @returns the response that is accepted by this. */
  ack(): InFlight | undefined {
    const done = this.#inFlight;
    this.#inFlight = undefined;
    this.#ackedVersion = done?.version ?? this.#ackedVersion;
    this.#lastNack = undefined;
    return done;
  }

  /**
   * The client keeps what it had (N9). A single resource is refused until it changes (N8); of several, the halves are
   * tried, so that the good ones get through and the bad one is found.
   * @param now ms
   * @returns the response that was refused.
   */
  nack(error: string, now: number): InFlight | undefined {
    const refused = this.#inFlight;
    if (refused === undefined) return undefined;
    this.#inFlight = undefined;
    const names: string[] = [];
    for (const [name, { sent, had }] of refused.items) {
      if (!this.subscription.has(name)) continue;
      names.push(name);
      const version = refused.items.size === 1 ? (sent?.version ?? REMOVAL) : undefined;
      this.#marks.set(name, { has: had, forced: false, refused: version, heldSince: undefined });
    }
    if (refused.items.size > 1) this.#isolation.split(names, refused.from);
    this.#lastNack = { error, at: now, names: [...refused.items.keys()] };
    return refused;
  }

  /** All that the client has once it accepts `items`: the body of a State-of-the-World response of a full-state type. */
  stateAfter(items: ReadonlyMap<string, Item>): EncodedResource[] {
    const state: EncodedResource[] = [];
    const add = (name: string, entry: Entry | undefined): void => {
      const item = items.get(name);
      const mark = this.#marks.get(name);
      const resource = item !== undefined ? item.sent : mark !== undefined ? mark.has : entry?.at(this.#cursor);
      // A bare version is never known here: only delta clients report versions.
      if (resource?.bytes !== undefined) state.push(resource);
    };
    if (this.subscription.wildcard) {
      for (const entry of this.#log.entries()) add(entry.name, entry);
      for (const name of this.#marks.keys()) if (this.#log.entry(name) === undefined) add(name, undefined);
    } else {
      for (const name of this.subscription.explicit()) add(name, this.#log.entry(name));
    }
    return state;
  }

  /** @returns whether there is a group to try. */
  #collectProbe(pass: Pass): boolean {
    for (let group = this.#isolation.next(); group !== undefined; group = this.#isolation.next()) {
      for (const name of group) {
        const mark = this.#marks.get(name);
        if (mark !== undefined) pass.consider(name, this.#log.entry(name), mark);
      }
      if (pass.items.size > 0) return true;
    }
    return false;
  }

  /** @returns whether there is room left. */
  #collectMarks(pass: Pass, known: string[], now: number): boolean {
    for (const [name, mark] of this.#marks) {
      const verdict = pass.consider(name, this.#log.entry(name), mark);
      if (verdict === 'full') return false;
      if (verdict === 'known') known.push(name);
      if (verdict === 'held' && mark.heldSince === undefined) this.#marks.set(name, { ...mark, heldSince: now });
    }
    return true;
  }

  /** @returns how far it came. */
  #collectLog(pass: Pass, now: number, seq: number): number {
    let reached = this.#cursor;
    for (const entry of this.#log.since(this.#cursor)) {
      if (this.subscription.hasId(entry.id) && !this.#marks.has(entry.name)) {
        const verdict = pass.consider(entry.name, entry, undefined);
        if (verdict === 'full') {
          this.#keepSkipped(reached);
          return reached;
        }
        if (verdict === 'held') this.#mark(entry.name, entry.at(this.#cursor), now);
      }
      reached = entry.seq;
    }
    return seq;
  }

  /** The cursor stops before the newest change of a name, but behind an older one that was never sent. */
  #keepSkipped(reached: number): void {
    for (const entry of this.#log.since(reached)) {
      if (!this.subscription.hasId(entry.id) || this.#marks.has(entry.name)) continue;
      const has = entry.at(this.#cursor);
      if (has?.version !== entry.at(reached)?.version) this.#mark(entry.name, has);
    }
  }

  #has(name: string): Known | undefined {
    const mark = this.#marks.get(name);
    if (mark !== undefined) return mark.has;
    return this.subscription.has(name) ? this.#log.entry(name)?.at(this.#cursor) : undefined;
  }

  #force(name: string, has: Known | undefined): void {
    this.#marks.set(name, { has, forced: true, refused: undefined, heldSince: undefined });
  }

  #mark(name: string, has: Known | undefined, heldSince?: number): void {
    this.#marks.set(name, { has, forced: false, refused: undefined, heldSince });
  }
}
