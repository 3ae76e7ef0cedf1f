/** What one stream is subscribed to, for one type. Pure bookkeeping of names; what follows from it is track.ts. */
import { IdSet, type NameTable } from './name-table.ts';

export const WILDCARD = '*';

/** What a request did to a subscription. */
export interface SubscriptionChange {
  /** Everything is subscribed now, and was not before. */
  readonly everything: boolean;
  /** Names to answer, that were not subscribed in any way. */
  readonly answer: readonly string[];
  /** Names to answer, of which the client may or may not have something. */
  readonly answerAgain: readonly string[];
  /** Names that are no longer subscribed in any way. */
  readonly dropped: readonly string[];
  /** `*` was given up: of what is not named, the client keeps nothing. */
  readonly lostEverything: boolean;
}

const NO_NAMES: ReadonlySet<string> = new Set();
const NOTHING: SubscriptionChange = { everything: false, answer: [], answerAgain: [], dropped: [], lostEverything: false };

export class Subscription {
  #names: NameTable;
  #ids = new IdSet();
  #wildcard = false;
  /** Whether a name, or `*`, was ever asked for on this stream: then an empty list means nothing (W1, W3). */
  #everNamed = false;
  readonly #legacyWildcard: boolean;

  /**
   * @param names the numbers of names in the view
   * @param legacyWildcard whether no names at all mean everything (W5: listeners, clusters, scoped routes)
   */
  constructor(names: NameTable, legacyWildcard: boolean) {
    this.#names = names;
    this.#legacyWildcard = legacyWildcard;
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
  replace(names: readonly string[]): SubscriptionChange {
    // W1: no names, and never any: everything. W5: of these types only.
    if (names.length === 0 && !this.#everNamed) return this.#legacyWildcard ? this.#setWildcard(true) : NOTHING;
    // W3: an empty list after names is not the wildcard: nothing is wanted any more.
    this.#everNamed = true;
    const wanted = new Set(names);
    const before = this.#wildcard;
    // W2: names beside `*` are additional.
    const wildcard = this.#setWildcard(wanted.delete(WILDCARD));
    const dropped: string[] = [];
    for (const name of [...this.explicit()]) {
      if (wanted.has(name)) continue;
      this.#ids.delete(this.#names.idOf(name));
      // W10: a pure shrink is not answered.
      if (!this.#wildcard) dropped.push(name);
    }
    // W9: a name that is new in the list is sent, whatever was sent before.
    const added = [...wanted].filter((name) => this.#ids.add(this.#names.idOf(name)));
    return { ...wildcard, answer: before ? [] : added, answerAgain: before ? added : [], dropped };
  }

  /** A delta request adds and takes away. */
  adjust(subscribe: readonly string[], unsubscribe: readonly string[], isFirst: boolean): SubscriptionChange {
    // W1, W4: a first request that names nothing; W5: of these types only.
    if (isFirst && subscribe.length === 0) return this.#legacyWildcard ? this.#setWildcard(true) : NOTHING;
    if (subscribe.length > 0) this.#everNamed = true;
    const before = this.#wildcard;
    // No name is new twice.
    const answer: string[] = [];
    const answerAgain = new Set<string>();
    const dropped: string[] = [];
    if (unsubscribe.includes(WILDCARD)) this.#wildcard = false;
    if (subscribe.includes(WILDCARD)) this.#wildcard = true;
    for (const name of unsubscribe) {
      const id = this.#names.find(name);
      // W7: a name that was not subscribed is ignored.
      if (id === undefined || !this.#ids.delete(id)) continue;
      // W6: while the wildcard remains, the server says what the name is now; W7: otherwise nothing.
      if (this.#wildcard) answerAgain.add(name);
      else dropped.push(name);
    }
    for (const name of subscribe) {
      if (name === WILDCARD) continue;
      // W8: also a name that was subscribed already is answered.
      const isNew = this.#ids.add(this.#names.idOf(name)) && !before;
      if (isNew) answer.push(name);
      else answerAgain.add(name);
    }
    const isNew = answerAgain.size + dropped.length > 0 ? new Set(answer) : NO_NAMES;
    return {
      everything: this.#wildcard && !before,
      lostEverything: before && !this.#wildcard,
      answer,
      answerAgain: [...answerAgain].filter((name) => !isNew.has(name)),
      dropped: dropped.filter((name) => !isNew.has(name)),
    };
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
