/** One type on one stream: what the client is subscribed to, what waits for its answer, and what it is told next. Pure. */
import { Company } from './company.ts';
import { Exchange, type InFlight, type NonceState } from './exchange.ts';
import { gatherGroup, gatherLog, gatherMarks } from './gather.ts';
import { Held } from './held.ts';
import type { History } from './history.ts';
import { Isolation } from './isolation.ts';
import { Ledger } from './ledger.ts';
import type { Marks } from './marks.ts';
import type { PackedVersions } from './packed-versions.ts';
import { type Gate, type Item, type Known, Pass, REMOVAL, type Speech, UNKNOWN } from './pass.ts';
import type { Differences } from './recent-states.ts';
import { markAfterRefusal } from './refusal.ts';
import type { EncodedResource } from './resource.ts';
import type { SharedPass } from './shared-pass.ts';
import { Standstill } from './standstill.ts';
import { Subscription, type SubscriptionChange } from './subscription.ts';
import type { TypeLog } from './type-log.ts';
import type { TypeFacts } from './type-urls.ts';

export interface TrackOptions {
  readonly typeUrl: string;
  /** undefined for a type that we do not serve (S4). */
  readonly facts: TypeFacts | undefined;
  readonly speech: Speech;
  /** Whether no names at all mean everything (W5). */
  readonly legacyWildcard: boolean;
}

export class Track {
  readonly typeUrl: string;
  /** undefined for a type that we do not serve (S4). */
  readonly facts: TypeFacts | undefined;
  readonly subscription: Subscription;
  readonly standstill = new Standstill();
  readonly #speech: Speech;
  readonly #ledger: Ledger;
  readonly #exchange = new Exchange();
  #lastCursor = 0;
  readonly #isolation = new Isolation();
  /** Whether the first response is due even if it says nothing (C6). */
  #owesFirst = false;
  /** Whether the client may have more than it accepted on this stream. */
  #comesWithUnknown = false;
  /** Whether it came with versions, and is sent resources whatever those are: it may have some that nothing here tells of. */
  #hasOlder = false;
  readonly #held = new Held();
  readonly #company: Company;

  /** @param seq the view's newest change number */
  constructor({ typeUrl, facts, speech, legacyWildcard }: TrackOptions, log: TypeLog, seq: number) {
    this.typeUrl = typeUrl;
    this.facts = facts;
    this.subscription = new Subscription(log.names, legacyWildcard);
    this.#speech = speech;
    this.#ledger = new Ledger(this.subscription, log, seq);
    this.#company = new Company(this.subscription, this.#ledger);
  }

  /** What {@link collect} returned last, where other streams are told the same. */
  get shared(): SharedPass | undefined {
    return this.#company.pass;
  }

  get log(): TypeLog {
    return this.#ledger.log;
  }

  get cursor(): number {
    return this.#ledger.cursor;
  }

  get inFlight(): InFlight | undefined {
    return this.#exchange.inFlight;
  }

  get marks(): Marks {
    return this.#ledger.marks;
  }

  /** For people: versions of the newest response and of the newest accepted one, and a refusal that came after that. */
  get history(): History {
    return this.#exchange.history;
  }

  /** Since when something waits for its clusters, and for nothing else, in ms. */
  get heldSince(): number | undefined {
    return this.inFlight === undefined && !this.subscription.isEmpty ? this.#held.since : undefined;
  }

  /** Whether there is something that waits for its clusters, and nothing else does. */
  get isHeldAlone(): boolean {
    return this.#held.isAlone;
  }

  /** The newest change number up to which the client has answered all that it was to be told. */
  get answeredSeq(): number {
    if (this.subscription.isEmpty && this.inFlight === undefined) return Infinity;
    const answered = Math.min(this.inFlight?.from ?? this.cursor, this.#isolation.from ?? Infinity);
    return this.#held.seq === undefined ? answered : Math.min(answered, this.#held.seq - 1);
  }

  /** Whether the client has acknowledged all that there is up to change number `seq`, and refused none of it. */
  isSettled(seq: number): boolean {
    return this.inFlight === undefined && this.marks.size === 0 && this.cursor >= seq && !this.#owesFirst;
  }

  nonceState(nonce: string): NonceState {
    return this.#exchange.nonceState(nonce);
  }

  /** What the client is known to have accepted under this name, and is not about to lose. */
  accepted(name: string): Known | undefined {
    const item = this.inFlight?.items.get(name);
    if (item !== undefined && (item.sent === undefined || item.mark?.unsure === true)) return undefined;
    if (this.isUnsure(name)) return undefined;
    const expected = this.#ledger.has(name);
    const known = item === undefined || expected === undefined ? expected : item.had;
    return known === UNKNOWN || expected === UNKNOWN ? undefined : known;
  }

  /** Whether the client may have another one of this name, which it refused together with others (N9). */
  isUnsure(name: string): boolean {
    return this.marks.get(name)?.unsure === true;
  }

  /** The number of a change: of all there was up to it, and of nothing else, {@link accepted} is certain. undefined: look. */
  get acceptedSeq(): number | undefined {
    if (!this.subscription.wildcard || this.marks.size > 0 || this.inFlight?.isShared === false) return undefined;
    return Math.min(this.inFlight?.from ?? Infinity, this.cursor);
  }

  /** @param seq the view's newest change number */
  changeSubscription(change: SubscriptionChange, isFirst: boolean, seq: number): void {
    this.standstill.moved();
    if (this.subscription.wildcard) this.marks.keepByName();
    if (change.lostEverything) this.#ledger.forgetUnsubscribed();
    this.marks.deleteAll(change.dropped);
    if (change.everything) {
      this.#ledger.restart();
      this.#owesFirst ||= isFirst && this.facts?.fullState === true;
    }
    this.marks.owe(change.answer);
    if (this.inFlight !== undefined)
      this.#ledger.doubt(this.inFlight.items, change, this.#speech, this.facts?.fullState === true);
    // A full state says what the client has, also one that is under way; where it did not have to hold the name, what the
    // client keeps is not known.
    const isCertain = this.#saysAll && (!this.#comesWithUnknown || this.inFlight !== undefined);
    for (const name of change.answerAgain) {
      const has = this.#ledger.has(name);
      const mayHave = this.log.entry(name)?.last !== undefined || has !== undefined;
      this.#ledger.mark(name, isCertain ? has : mayHave ? UNKNOWN : undefined, { forced: true });
    }
    if (change.lostEverything || change.dropped.size > 0) this.#oweUnsaid();
    if (this.subscription.isEmpty) this.#ledger.cursor = seq;
  }

  /** The client comes with a state of which nothing is known but that it is not this one. */
  startUnknown(): void {
    this.standstill.moved();
    this.#comesWithUnknown = true;
    // W11: what is gone meanwhile goes by a full state without it, even if that is empty.
    this.#owesFirst ||= this.facts?.fullState === true;
  }

  /** A first request that is up to date is not answered (N11). @param seq the view's newest change number */
  startAt(seq: number): void {
    this.standstill.moved();
    this.#ledger.cursor = seq;
    this.#owesFirst = false;
  }

  /** The name is sent again, also when the client has it (M1, M3): where it refused the newest, what it had before. */
  resend(name: string): void {
    this.standstill.moved();
    const { refused, unsure = false } = this.marks.get(name) ?? {};
    this.#ledger.mark(name, this.#ledger.has(name), { forced: true, refused, unsure });
  }

  /** A reconnected client says what it has: see {@link Ledger.seed}. */
  seed(versions: PackedVersions, seq: number, mustSend: ((name: string) => boolean) | undefined): void {
    this.standstill.moved();
    this.#hasOlder = mustSend !== undefined;
    this.#ledger.seed(versions, seq, mustSend);
  }

  /** See {@link Ledger.resume}. */
  resume(differences: Differences, seq: number): void {
    this.standstill.moved();
    this.#ledger.resume(differences, seq);
  }

  /** The stream's view is another one now: what differs is due, the rest is not. @param seq its newest change number */
  rebase(log: TypeLog, seq: number): void {
    this.standstill.moved();
    this.#ledger.rebase(log, seq);
    this.#held.forgetSeq();
    this.#isolation.reset();
    this.#exchange.rebase(seq);
  }

  /** See {@link Ledger.stateAfter}. */
  stateAfter(items: ReadonlyMap<string, Item>): EncodedResource[] {
    return this.#ledger.stateAfter(items);
  }

  /**
   * Goes along with the changes of other types, where there is nothing to say of this one.
   * @param seq the view's newest change number
   * @returns whether {@link collect} has nothing to do
   */
  rest(seq: number): boolean {
    if (this.inFlight !== undefined || this.subscription.isEmpty) return true;
    if (!this.#hasNothingToSay) return false;
    if (this.cursor === seq && this.#held.since === undefined) return true;
    this.standstill.moved();
    this.#goAlong(seq);
    return true;
  }

  /**
   * What to say now, undefined for nothing. Nothing while a response is not acknowledged (F1): what changes meanwhile is
   * found again after the cursor.
   * @param now ms
   * @param seq the view's newest change number
   * @param maxBytes the items end there, though there is always one (F8); Infinity where a response cannot be split
   */
  collect(gate: Gate, now: number, seq: number, maxBytes: number): ReadonlyMap<string, Item> | undefined {
    if (this.inFlight !== undefined || this.subscription.isEmpty) return undefined;
    if (this.#hasNothingToSay) {
      this.#goAlong(seq);
      return this.#company.skip();
    }
    const shared = this.#isolation.from === undefined ? this.#company.next(gate, maxBytes) : this.#company.skip();
    if (shared !== undefined) {
      // By name it is the marks that say what is left.
      this.#goAlong(this.marks.size > 0 ? this.cursor : Math.min(seq, shared.reached));
      return shared.items;
    }
    const pass = new Pass(gate, this.facts, this.#speech, this.cursor, now, maxBytes);
    this.#lastCursor = this.cursor;
    if (this.#collectProbe(pass)) return pass.items;
    const known: string[] = [];
    const hasRoom = gatherMarks(pass, this.#ledger, known, now);
    const reached = hasRoom ? gatherLog(pass, this.#ledger, this.subscription, now, seq) : this.cursor;
    this.#held.note(pass);
    if (this.#comesWithUnknown && this.#owesFirst && pass.heldSeq !== undefined) {
      // A full state without what waits for its clusters would take that away from a client that has it (O3, W11).
      return undefined;
    }
    this.#ledger.cursor = reached;
    // Where the cursor has passed the newest change, it says what the mark says.
    for (const name of known) if ((this.log.entry(name)?.seq ?? 0) <= reached) this.#ledger.unmark(name);
    return pass.items.size > 0 || this.#owesFirst ? pass.items : undefined;
  }

  /** The response with these items goes out now. */
  sent(nonce: string, version: string, items: ReadonlyMap<string, Item>): void {
    this.standstill.moved();
    this.#owesFirst = false;
    this.#exchange.send({ nonce, version, items, from: this.#lastCursor, isShared: items === this.#company.pass?.items });
    // The cursor says that the client has what many are told: there is nothing to compare.
    const { pass } = this.#company;
    if (items === pass?.items) this.marks.deleteAll(pass.ids);
    else for (const [name, { sent }] of items) this.#ledger.settle(name, sent);
    if (this.#saysAll) this.#ledger.answerKept();
    this.#company.skip();
  }

  /** @returns the response that is accepted by this. */
  ack(): InFlight | undefined {
    this.standstill.moved();
    this.#comesWithUnknown = false;
    // W11: what it may have had went by the full state that did not hold it.
    if (this.#saysAll) this.#ledger.forgetUnknown();
    return this.#exchange.accept();
  }

  /**
   * The client keeps what it had (N9), but of several it may have taken some. A single resource is refused until it changes
   * (N8); of several, the halves are tried, so that the good ones get through and the bad one is found.
   * @param now ms
   * @returns the response that was refused.
   */
  nack(error: string, now: number): InFlight | undefined {
    this.standstill.moved();
    const refused = this.#exchange.refuse(error, now);
    if (refused === undefined) return undefined;
    // What goes and is not wanted any more is no reason to refuse.
    const items = new Map([...refused.items].filter(([name, { sent }]) => sent !== undefined || this.subscription.has(name)));
    const names: string[] = [];
    const isAlone = items.size === 1;
    for (const [name, item] of items) {
      if (!this.subscription.has(name)) continue;
      names.push(name);
      const mark = markAfterRefusal({
        ...{ item, isAlone, error, at: now, mark: this.marks.get(name), type: this.facts?.type },
        mayHaveOlder: this.#comesWithUnknown || (this.#hasOlder && item.sent !== undefined),
        newest: this.log.entry(name)?.current?.version ?? REMOVAL,
      });
      this.#ledger.mark(name, mark.has, mark);
    }
    if (!isAlone) this.#isolation.split(names, refused.from);
    if (items.size > 0) this.#oweUnsaid();
    return { ...refused, items };
  }

  /** Most of what happens is no business of most types: seen without looking at a name. */
  get #hasNothingToSay(): boolean {
    if (this.marks.size > 0 || this.#owesFirst || this.#isolation.from !== undefined) return false;
    return this.log.newestSeq <= this.cursor;
  }

  /** W11: what the client may have from before goes by a full state, once that takes nothing that the client is to keep. */
  #oweUnsaid(): void {
    if (!this.#comesWithUnknown || !this.#saysAll || this.inFlight !== undefined || this.subscription.isEmpty) return;
    for (const [, { has }] of this.marks) if (has === UNKNOWN) return;
    this.#owesFirst = true;
  }

  /** Whether each response holds all that is subscribed. */
  get #saysAll(): boolean {
    return this.facts?.fullState === true && !this.#speech.missing;
  }

  #goAlong(cursor: number): void {
    this.#held.clear();
    this.#lastCursor = this.cursor;
    this.#ledger.cursor = cursor;
  }

  /** @returns whether there is a group to try. */
  #collectProbe(pass: Pass): boolean {
    for (let group = this.#isolation.next(); group !== undefined; group = this.#isolation.next()) {
      gatherGroup(pass, this.#ledger, group);
      if (pass.items.size > 0) return true;
    }
    return false;
  }
}
