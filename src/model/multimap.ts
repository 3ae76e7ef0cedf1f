import { NO_ITEMS, NO_MEMBERS } from './none.ts';

/**
 * Several values a key; a key without values is not kept. Most keys have one value, and that one is kept without a Set
 * around it: a Set takes ten times its room, and a cluster has tens of thousands of such keys.
 */
export class Multimap<K, V extends string | number | object> {
  readonly #only = new Map<K, V>();
  /** Of keys that have several. */
  readonly #several = new Map<K, Set<V>>();

  has(key: K): boolean {
    return this.#only.has(key) || this.#several.has(key);
  }

  /** As they are now: it may or may not follow later changes. */
  get(key: K): ReadonlySet<V> {
    const only = this.#only.get(key);
    if (only !== undefined) return new Set([only]);
    return this.#several.size === 0 ? NO_MEMBERS : (this.#several.get(key) ?? NO_MEMBERS);
  }

  /** The same as a list: cheaper where many keys are asked for. */
  list(key: K): readonly V[] {
    const only = this.#only.get(key);
    if (only !== undefined) return [only];
    const several = this.#several.size === 0 ? undefined : this.#several.get(key);
    return several === undefined ? NO_ITEMS : [...several];
  }

  add(key: K, value: V): void {
    const only = this.#only.get(key);
    if (only === value) return;
    if (only !== undefined) {
      this.#only.delete(key);
      this.#several.set(key, new Set([only, value]));
      return;
    }
    const several = this.#several.size === 0 ? undefined : this.#several.get(key);
    if (several === undefined) this.#only.set(key, value);
    else several.add(value);
  }

  delete(key: K, value: V): void {
    if (this.#only.get(key) === value) {
      this.#only.delete(key);
      return;
    }
    const several = this.#several.get(key);
    several?.delete(value);
    if (several?.size === 0) this.#several.delete(key);
  }
}
