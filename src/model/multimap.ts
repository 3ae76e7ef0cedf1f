/** Several values a key; a key without values is not kept. */
export class Multimap<K, V> {
  readonly #values = new Map<K, Set<V>>();

  get(key: K): ReadonlySet<V> {
    return this.#values.get(key) ?? new Set();
  }

  add(key: K, value: V): void {
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, new Set([value]));
    else values.add(value);
  }

  delete(key: K, value: V): void {
    const values = this.#values.get(key);
    values?.delete(value);
    if (values?.size === 0) this.#values.delete(key);
  }
}
