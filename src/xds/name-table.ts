/**
 * Numbers for names. The streams of a view share one table for each type, so that what a stream is subscribed to is a
 * row of bits and not a set of 10,000 strings.
 */

/** A set of small non-negative integers. */
export class IdSet implements Iterable<number> {
  #words = new Uint32Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return ((this.#words[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }

  /** @returns whether it is new. */
  add(id: number): boolean {
    if (this.has(id)) return false;
    const index = id >>> 5;
    if (index >= this.#words.length) this.#grow(index + 1);
    this.#words[index] = (this.#words[index] ?? 0) | (1 << (id & 31));
    this.#size += 1;
    return true;
  }

  /** @returns whether it was there. */
  delete(id: number): boolean {
    if (!this.has(id)) return false;
    const index = id >>> 5;
    this.#words[index] = (this.#words[index] ?? 0) & ~(1 << (id & 31));
    this.#size -= 1;
    return true;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.#words.length; index += 1) {
      for (let word = this.#words[index] ?? 0; word !== 0; word &= word - 1) yield index * 32 + (31 - Math.clz32(word & -word));
    }
  }

  #grow(length: number): void {
    const words = new Uint32Array(Math.max(length, this.#words.length * 2));
    words.set(this.#words);
    this.#words = words;
  }
}

export class NameTable {
  readonly #ids = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#ids.size;
  }

  /** Makes a number for a name that has none. */
  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#free.pop() ?? this.#names.length;
    this.#names[id] = name;
    this.#ids.set(name, id);
    return id;
  }

  find(name: string): number | undefined {
    return this.#ids.get(name);
  }

  nameOf(id: number): string {
    const name = this.#names[id];
    if (name === undefined) throw new Error(`The id ${id} is in use by a stream and has no name.`);
    return name;
  }

  /** Forgets the names whose number is not in use. */
  sweep(inUse: IdSet): void {
    for (const [name, id] of this.#ids) {
      if (inUse.has(id)) continue;
      this.#ids.delete(name);
      this.#names[id] = undefined;
      this.#free.push(id);
    }
  }
}
