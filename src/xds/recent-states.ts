/**
 * What there is of a type, and what there was before each of its newest changes, recognized by digests: most clients that
 * come back have just one of these states, and then nobody looks at the tens of thousands of names that they say.
 */
import type { Entry } from './entry.ts';
import { writeEntry } from './packed-versions.ts';
import { SetDigest } from './set-digest.ts';
import { type Source, sourceOf } from './source.ts';

/** One change, by its number. */
export interface Step {
  readonly seq: number;
  readonly entry: Entry;
}

/** Of the names that changed since: the version that each had; undefined: it was not there. */
export type Differences = ReadonlyMap<Entry, string | undefined>;

/** So many changes are gone back. */
const MAX_STEPS = 256;
/** Of few resources, fewer: to look at the names costs less then. */
const FEWEST_STEPS = 8;
const RESOURCES_A_STEP = 16;
/** Of an entry: all but the name, in bytes. */
const LONGEST_REST = 64;

class State {
  readonly names: SetDigest;
  /** Of names with their versions, each as it stands in a request. */
  readonly entries: SetDigest;

  constructor(names: SetDigest, entries: SetDigest) {
    this.names = names;
    this.entries = entries;
  }

  copy(): State {
    return new State(this.names.copy(), this.entries.copy());
  }
}

export class RecentStates {
  readonly #now = new State(new SetDigest(), new SetDigest());
  /** Before the newest change, before the one before it, and so on, as far as anybody has looked. */
  #past: State[] = [];
  #text: Source = sourceOf(Buffer.alloc(0));

  /** @param entries all that there are */
  constructor(entries: Iterable<Entry>) {
    for (const { name, current } of entries) this.#change(this.#now, name, undefined, current?.version);
  }

  /** To be told each time. */
  changed(name: string, before: string | undefined, after: string | undefined): void {
    this.#past = [];
    this.#change(this.#now, name, before, after);
  }

  /** The steps are other ones now. */
  forgetPast(): void {
    this.#past = [];
  }

  /**
   * @param entries of a request
   * @param names the same ones; undefined: they are not said by themselves
   * @param steps all changes that are known, the newest last
   * @returns what has changed since there was just that; undefined: it is not known when there was.
   */
  find(entries: SetDigest, names: SetDigest | undefined, steps: readonly Step[]): Differences | undefined {
    const most = Math.min(steps.length, MAX_STEPS, FEWEST_STEPS + entries.count / RESOURCES_A_STEP);
    const isIt = (state: State): boolean => state.entries.equals(entries) && names?.equals(state.names) !== false;
    let state = this.#now;
    let back = 0;
    for (; !isIt(state); back += 1) {
      const step = steps[steps.length - 1 - back];
      if (step === undefined || back >= most) return undefined;
      state = this.#past[back] ??= this.#before(state, step);
    }
    const result = new Map<Entry, string | undefined>();
    // Of a name that changed more than once, the oldest of these counts.
    for (const { entry, seq } of steps.slice(steps.length - back).reverse()) result.set(entry, entry.at(seq - 1)?.version);
    return result;
  }

  #before(state: State, { seq, entry }: Step): State {
    const result = state.copy();
    this.#change(result, entry.name, entry.at(seq)?.version, entry.at(seq - 1)?.version);
    return result;
  }

  #change({ names, entries }: State, name: string, before: string | undefined, after: string | undefined): void {
    const { bytes, words } = this.#room(name);
    const length = bytes.write(name);
    if (before === undefined && after !== undefined) names.add(words, 0, length);
    if (before !== undefined && after === undefined) names.delete(words, 0, length);
    if (before !== undefined) entries.delete(words, 0, writeEntry(bytes, name, before));
    if (after !== undefined) entries.add(words, 0, writeEntry(bytes, name, after));
  }

  /** For an entry of this name: a version is short. */
  #room(name: string): Source {
    const wanted = 3 * name.length + LONGEST_REST;
    if (this.#text.bytes.length < wanted) this.#text = sourceOf(Buffer.allocUnsafeSlow(2 * wanted));
    return this.#text;
  }
}
