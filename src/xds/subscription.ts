/** What one stream is subscribed to, for one type. Pure bookkeeping of names; what follows from it is track.ts. */
import { IdSet } from './id-set.ts';
import type { NameTable } from './name-table.ts';
import { isWildcard, type PackedTexts } from './packed-texts.ts';

/** What a request did to a subscription. */
export interface SubscriptionChange {
  /** Everything is subscribed now, and was not before. */
  readonly everything: boolean;
  /** Ids of names to answer, that were not subscribed in any way. */
  readonly answer: IdSet;
  /** Names to answer, of which the client may or may not have something. */
  readonly answerAgain: readonly string[];
  /** Ids of names that are no longer subscribed in any way. */
  readonly dropped: IdSet;
  /** `*` was given up: of what is not named, the client keeps nothing. */
  readonly lostEverything: boolean;
}

const NONE = new IdSet();
const NOTHING: SubscriptionChange = { everything: false, answer: NONE, answerAgain: [], dropped: NONE, lostEverything: false };

export class Subscription {
  #names: NameTable;
  #ids = new IdSet();
  #wildcard = false;
  /** Whether a name, or `*`, was ever asked for on this stream: then an empty list means nothing (W1, W3). */
  #everNamed = false;
  /** Whether no names at all mean everything (W5: listeners, clusters, scoped routes, and not for gRPC). */
  readonly legacyWildcard: boolean;

  /** @param names the numbers of names in the view */
  constructor(names: NameTable, legacyWildcard: boolean) {
    this.#names = names;
    this.legacyWildcard = legacyWildcard;
  }

  get wildcard(): boolean {
    return this.#wildcard;
  }

  get isEmpty(): boolean {
    return !this.#wildcard && this.#ids.size === 0;
  }

  /** How many names were asked for by name. */
  get size(): number {
    return this.#ids.size;
  }

  get ids(): IdSet {
    return this.#ids;
  }

  has(name: string): boolean {
    if (this.#wildcard) return true;
    const id = this.#names.find(name);
    return id !== undefined && this.#ids.has(id);
  }

  /** The same as {@link has}, by number. */
  hasId(id: number): boolean {
    return this.#wildcard || this.#ids.has(id);
  }

  *explicit(): Generator<string> {
    for (const id of this.#ids) yield this.#names.nameOf(id);
  }

  /** A State-of-the-World request lists all that is wanted from now on. */
  replace(names: PackedTexts): SubscriptionChange {
    // W1: no names, and never any: everything. W5: of these types only.
    if (names.length === 0 && !this.#everNamed) return this.legacyWildcard ? this.#setWildcard(true) : NOTHING;
    // W3: an empty list after names is not the wildcard: nothing is wanted any more.
    this.#everNamed = true;
    const before = this.#wildcard;
    // W2: names beside `*` are additional.
    const wildcard = this.#setWildcard(names.hasWildcard);
    const wanted = new IdSet();
    const { source } = names;
    this.#names.expect(names.length);
    for (const name = names.walk(); name.next(); ) {
      if (!isWildcard(source, name.from, name.to)) wanted.add(this.#names.idAt(source, name.from, name.to));
    }
    if (wanted.size === this.#ids.size && wanted.hasAll(this.#ids)) return wildcard;
    // W9: a name that is new in the list is sent, whatever was sent before.
    const added = wanted.copy();
    added.deleteAll(this.#ids);
    const dropped = new IdSet();
    // W10: a pure shrink is not answered.
    if (!this.#wildcard) dropped.addAll(this.#ids);
    dropped.deleteAll(wanted);
    this.#names.release(this.#ids.size + added.size - wanted.size);
    this.#ids = wanted;
    if (!before) return { ...wildcard, answer: added, dropped };
    return { ...wildcard, answerAgain: [...added].map((id) => this.#names.nameOf(id)), dropped };
  }

  /** A delta request adds and takes away. */
  adjust(subscribe: PackedTexts, unsubscribe: PackedTexts, isFirst: boolean): SubscriptionChange {
    // W1, W4: a first request that names nothing; W5: of these types only.
    if (isFirst && subscribe.length === 0) return this.legacyWildcard ? this.#setWildcard(true) : NOTHING;
    // An ACK.
    if (subscribe.length + unsubscribe.length === 0) return NOTHING;
    if (subscribe.length > 0) this.#everNamed = true;
    const before = this.#wildcard;
    const again = new IdSet();
    const dropped = new IdSet();
    if (unsubscribe.hasWildcard) this.#wildcard = false;
    if (subscribe.hasWildcard) this.#wildcard = true;
    const { source } = subscribe;
    this.#names.expect(subscribe.length + unsubscribe.length);
    for (const name = unsubscribe.walk(); name.next(); ) {
      const id = this.#names.findAt(unsubscribe.source, name.from, name.to);
      // W7: a name that was not subscribed is ignored.
      if (id < 0 || !this.#ids.delete(id)) continue;
      this.#names.release(1);
      // W6: while the wildcard remains, the server says what the name is now; W7: otherwise nothing.
      if (this.#wildcard) again.add(id);
      else dropped.add(id);
    }
    const had = this.#ids.copy();
    for (const name = subscribe.walk(); name.next(); ) {
      if (isWildcard(source, name.from, name.to)) continue;
      const id = this.#names.idAt(source, name.from, name.to);
      // W8: also a name that was subscribed already is answered.
      if (!this.#ids.add(id) || before) again.add(id);
    }
    // No name is new twice.
    const answer = before ? new IdSet() : this.#ids.copy();
    answer.deleteAll(had);
    again.deleteAll(answer);
    dropped.deleteAll(answer);
    return {
      everything: this.#wildcard && !before,
      lostEverything: before && !this.#wildcard,
      answer,
      answerAgain: [...again].map((id) => this.#names.nameOf(id)),
      dropped,
    };
  }

  /** A first delta request, of these names by their ids. */
  begin(ids: IdSet): SubscriptionChange {
    this.#everNamed = true;
    this.#ids = ids;
    return { ...NOTHING, answer: ids.copy() };
  }

  /** The same names, with the numbers of another view. */
  moveTo(names: NameTable): void {
    const ids = new IdSet();
    for (const name of this.explicit()) ids.add(names.idOf(name));
    this.#ids = ids;
    this.#names = names;
  }

  #setWildcard(wildcard: boolean): SubscriptionChange {
    const before = this.#wildcard;
    this.#wildcard = wildcard;
    return { ...NOTHING, everything: wildcard && !before, lostEverything: before && !wildcard };
  }
}
